import { availableParallelism } from 'node:os'

/** How many processors this process may use: in an allocation of Slurm, those that the job has on this node. */
export function availableCpus(): number {
  const allocated = Number(process.env['SLURM_CPUS_ON_NODE'])
  const own = availableParallelism()
  return allocated > 0 ? Math.min(own, allocated) : own
}
