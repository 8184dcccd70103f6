import { type ChildProcess, spawn } from 'node:child_process'
import { ClusterError } from '../../errors.js'
import type { SessionEnded } from './agent-errors.js'
import { AgentHost } from './agent-host.js'

/** A step is started by the controller, which may be busy, and by the daemon of the node. */
const stepMs = 120_000

/**
 * A node of an allocation of Slurm. Each program there is a step of the job, which `srun` starts. This process is in the
 * job, or names it.
 *
 * ```ts
 * const node = new SlurmNode('gpu-7', '4711')
 * const { stdout } = await node.exec(['nvidia-smi', '-L'])
 * await node.close()
 * ```
 */
export class SlurmNode extends AgentHost {
  override readonly greetingMs = stepMs

  constructor(
    /** The name that Slurm has for the node. */
    readonly name: string,
    /** The id of the job; that of this process when absent. */
    readonly jobId = process.env['SLURM_JOB_ID'] ?? '',
  ) {
    super()
  }

  start(argv: readonly string[]): ChildProcess {
    return spawn('srun', [...this.#arguments(), '--', ...argv], {
      // A terminal sends Ctrl-C to its foreground process group.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  }

  #arguments(): string[] {
    // srun itself no longer takes it from the job (since 22.05), and would give the step one CPU.
    const cpus = process.env['SLURM_CPUS_PER_TASK']
    return [
      `--jobid=${this.jobId}`,
      '--nodes=1',
      '--ntasks=1',
      `--nodelist=${this.name}`,
      // Steps share what the job has: workers, and programs beside them.
      '--overlap',
      '--mpi=none',
      '--quit-on-interrupt',
      '--unbuffered',
      ...(cpus === undefined ? [] : [`--cpus-per-task=${cpus}`]),
    ]
  }

  protected explainEnd({ stderr, exitCode }: SessionEnded): ClusterError {
    const why = stderr.trim() === '' ? `"srun" exited with ${exitCode}` : stderr.trim()
    return new ClusterError(`The step on node "${this.name}" of job ${this.jobId} ended: ${why}`, {
      code: 'HOST_LOST',
    })
  }
}
