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

/** Prints each result relative to the first: the best of the rounds, and their median. */
export function table(title, results, unit = 'ms') {
  const [[, base]] = results
  console.log(`\n${title}`)
  for (const [name, { best, median: middle, limit }] of results) {
    const ratio = `${(best / base.best).toPrecision(3)} ×  (median ${(middle / base.median).toPrecision(3)} ×)`
    const bound =
      limit === undefined ? '' : `  at most ${limit}${best / base.best <= limit ? '' : '  EXCEEDED'}`
    console.log(`  ${name.padEnd(40)} ${best.toFixed(3).padStart(9)} ${unit}  ${ratio}${bound}`)
  }
}
