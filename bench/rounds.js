import { execFileSync } from 'node:child_process'

/** Runs commands in turn, round after round, so that the machine's moods meet all of them alike. */
export function rounds(count, commands, run) {
  const results = new Map(Object.keys(commands).map((name) => [name, []]))
  for (let round = 0; round < count; round++)
    for (const [name, command] of Object.entries(commands)) results.get(name).push(run(command))
  return results
}

export function node(args) {
  return execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]
}
