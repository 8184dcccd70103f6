import { availableParallelism, totalmem } from 'node:os'
import { type LocalGpu, listGpus } from './gpus.js'

/** The memory of this machine in bytes, or the part of it that a container or a job of Slurm may use. */
export function hostMemory(): number {
  // A number without meaning stands for no limit. Slurm writes mebibytes.
  const limits = [process.constrainedMemory?.() ?? 0, Number(process.env['SLURM_MEM_PER_NODE']) * 2 ** 20]
  return Math.min(totalmem(), ...limits.filter((limit) => limit > 0))
}

/**
 * What the processes of flambeau use in a job of Slurm besides the workers of a pool, in bytes: the run, its supervisor, Redis, and
 * on each node an agent and the parent of the workers.
 */
export const memoryBesideWorkers = 512 * 2 ** 20

/** How much of {@link hostMemory} all workers but the first leave to others: Slurm kills a job that uses more than it has. */
export function reservedMemory(): number {
  return Number(process.env['SLURM_MEM_PER_NODE']) > 0 ? memoryBesideWorkers : 0
}

/** How many processors this process may use: in a job of Slurm, those that the job has on this node. */
export function availableCpus(): number {
  const allocated = Number(process.env['SLURM_CPUS_ON_NODE'])
  const own = availableParallelism()
  return allocated > 0 ? Math.min(own, allocated) : own
}

/** What this process may use of this machine. GPUs are looked for when some are needed: that starts programs of their vendors. */
export async function localResources(
  needs: { readonly gpus: number },
  /** Environment variables of those who use it, besides those of this process: they may hide GPUs. */
  variables: Readonly<Record<string, string>> = {},
): Promise<{ readonly cpus: number; readonly memory: number; readonly gpus: readonly LocalGpu[] }> {
  const gpus = needs.gpus === 0 ? [] : await listGpus(process.env, variables)
  return { cpus: availableCpus(), memory: hostMemory(), gpus }
}
