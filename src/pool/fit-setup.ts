import { FlambeauError } from '../errors.js'
import { lackOn, slotsOn } from '../runnable/needs.js'
import { mistakeCode } from '../util/exit-codes.js'
import { localResources, reservedMemory } from '../util/this-machine.js'
import type { FittedSetup, WorkerProcessSetup } from './engine.js'

/**
 * Limits the worker processes to those that fit on this machine, and finds the GPUs that they may lease.
 *
 * @throws {@link FlambeauError} with code `NEEDS_DO_NOT_FIT` when not even one fits.
 */
export async function fitSetup(
  setup: WorkerProcessSetup,
  onWait: FittedSetup['onWait'],
): Promise<FittedSetup> {
  const { needs, workers, variables } = setup
  const machine = await localResources(needs, variables)
  const lack = lackOn(needs, machine)
  if (lack) {
    const message = `A worker of the pool needs ${lack.need}, but this machine has ${lack.has}: ask for less in "needs"`
    throw new FlambeauError(message, { code: 'NEEDS_DO_NOT_FIT', exitCode: mistakeCode })
  }
  const slots = Math.max(1, slotsOn(needs, { ...machine, memory: machine.memory - reservedMemory() }))
  return { ...setup, workers: Math.min(workers, slots), gpus: machine.gpus, onWait }
}
