import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { FlambeauError } from '../../errors.js'
import { mistakeCode } from '../../util/exit-codes.js'

const depthName = 'FLAMBEAU_POOL_DEPTH'
/** A module that opens a pool as it is imported, by the workers of that pool, too, would never stop starting more. */
const deepest = 3

/**
 * Starts the program of a worker as the leader of a process group of its own.
 *
 * @throws {@link FlambeauError} in a worker of a worker of a worker.
 */
export function startWorker(): ChildProcess {
  const depth = Number(process.env[depthName] ?? 0) + 1
  if (depth > deepest) throw tooDeep()
  const program = fileURLToPath(import.meta.resolve('#pool-worker'))
  return spawn(process.execPath, [...flagsForWorkers(process.execArgv), program], {
    detached: true,
    // What tasks print is passed on line by line. Then the channel.
    stdio: ['ignore', 'pipe', 'pipe', 'overlapped'],
    env: { ...process.env, [depthName]: String(depth) },
  })
}

/** The flags of this Node that hold for another program, too: not those that give it a script, or a debugger's port. */
function flagsForWorkers(flags: readonly string[]): string[] {
  const ours = flags.findIndex((flag) => /^-(?:[ep]+$|-eval|-print)/.test(flag))
  const kept = ours < 0 ? flags : flags.slice(0, ours)
  return kept.filter((flag) => !/^--(?:inspect|input-type|test)/.test(flag))
}

function tooDeep(): FlambeauError {
  const message = `Pools in workers of pools, ${deepest} deep: open the pool in a function, not as its module is imported`
  return new FlambeauError(message, { code: 'POOL_IN_POOL', exitCode: mistakeCode })
}
