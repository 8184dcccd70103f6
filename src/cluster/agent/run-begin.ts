import type { ProcessIdentity } from '../../util/process-identity.js'
import { layout } from './home.js'
import { createReserved } from './reserved-file.js'

/** `state.json`: the processes of a run. */
export interface RunProcesses {
  readonly supervisor: ProcessIdentity
  /** The leader of the process group of the run itself. */
  readonly runner: ProcessIdentity | undefined
  /** When the run began. */
  readonly startedAt: string
}

/** The end of a run: its exit code, or the signal that killed it. */
export interface RunExit {
  readonly exitCode: number | null
  readonly signal: string | null
  readonly cancelled: boolean
  /** The state of its job, such as `TIMEOUT`; present when Slurm has stopped the job. */
  readonly reason?: string
  readonly endedAt: string
}

/** `state.json` of a run that never begins: it was cancelled in the queue, could not be started, or was lost before. */
export interface RunPrevention {
  /** `null` when it was lost. */
  readonly unstarted: RunExit | null
}

/**
 * `state.json`. It is written once: by the process of the run, before anything of the user is loaded, or by the process that
 * prevents that. So a run begins at most once, however many processes start it, and one whose starters are all killed can
 * be started again.
 */
export type RunBeginning = RunProcesses | RunPrevention

/** Records that a run begins. Returns `false` if it must not: it has begun elsewhere, or never does. */
export function beginRun(id: string, processes: RunProcesses): Promise<boolean> {
  return create(id, processes)
}

/** Prevents that a run begins. Returns `false` if it has begun, or never does. */
export function preventRun(id: string, unstarted: RunPrevention['unstarted']): Promise<boolean> {
  return create(id, { unstarted })
}

function create(id: string, beginning: RunBeginning): Promise<boolean> {
  return createReserved(layout.run(id, 'state'), JSON.stringify(beginning))
}
