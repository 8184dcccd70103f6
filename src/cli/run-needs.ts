import { FlambeauError } from '../errors.js'
import type { Needs } from '../runnable/needs.js'
import { describeLack, needsError, needsOfRun } from '../runnable/needs-problems.js'
import type { RunOptions } from '../runnable/run-options.js'
import type { Runnable } from '../runnable/runnable.js'
import { mistakeCode } from '../util/exit-codes.js'
import { type GpuLease, leaseGpus } from '../util/gpu-leases.js'
import { localResources } from '../util/this-machine.js'

/**
 * Checks that what a run needs fits on this machine, and leases its GPUs for this process. `asked` is what `--needs` says, in place of
 * what the class of the runnable states.
 *
 * @throws {@link FlambeauError} with code `NEEDS_DO_NOT_FIT` when it does not fit.
 */
export async function meetNeeds(
  runnable: Runnable<unknown, any>,
  { logger, signal }: Pick<RunOptions, 'logger' | 'signal'>,
  asked?: Needs,
): Promise<GpuLease | undefined> {
  const site = needsOfRun(runnable, asked)
  const machine = await localResources(site.needs)
  const message = describeLack(site, [{ host: 'this machine', ...machine }])
  if (message !== undefined) throw doesNotFit(site, message)
  const { gpus: count } = site.needs
  if (count === 0) return undefined
  const lease = await leaseGpus({ gpus: machine.gpus, count, signal, onWait: (text) => logger.info(text) })
  for (const [name, value] of Object.entries(lease.variables))
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  return lease
}

function doesNotFit(site: Parameters<typeof needsError>[0], message: string): FlambeauError {
  const { text, options } = needsError(site, message)
  return new FlambeauError(text, { ...options, exitCode: mistakeCode })
}
