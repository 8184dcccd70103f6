import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunFlags } from '../../runnable/run-options.js'
import type { SerializedSecrets } from '../../runnable/secrets/serialize-secrets.js'
import type { TraceCarrier } from '../../tracing/tracing.js'
import type { Call } from '../../util/repeat-command.js'
import type { Connection } from '../members.js'
import { type RunFile, runFiles } from '../protocol/layout.js'
import type { RunSurroundings, WorkFiles } from '../protocol/messages.js'

/** `program.json` of a run folder: what the run needs besides its runnable. Paths are relative to the package. */
export interface RunProgram extends RunSurroundings {
  readonly cluster: string
  readonly file: string
  readonly flags: RunFlags
  readonly localUser: string
  /** The path of each extension. */
  readonly extensions: Readonly<Record<string, string>>
  /** The extensions as the runnable file declares them. */
  readonly declared: Readonly<Record<string, string>>
  /** Modules that register classes, in order. */
  readonly imports: readonly string[]
  /** The call of the command line that submitted the run, for the commands that its messages print. */
  readonly call: Call
  /** The folders that were sent: each with its path on the machine of the user, and the sources of its compiled files. */
  readonly sent: readonly {
    readonly path: string
    readonly folder: string
    readonly sources: Readonly<Record<string, string>>
  }[]
  /** The files of the project that the run was sent, if there are any. */
  readonly work?: WorkFiles | undefined
  /** The most worker processes of a pool on each host; one for each processor when absent. */
  readonly workers?: number | undefined
  /** The context of the trace that the run belongs to. */
  readonly trace?: TraceCarrier | undefined
}

/** `connection.json` of a run folder: how the orchestrator connects to its workers. */
export interface Connections {
  readonly cluster: string
  readonly packageHash: string
  readonly factories: readonly Connection[]
  /** Whether the workers are the nodes of the allocation of Slurm in which the run is. */
  readonly isAllocation: boolean
}

/** `secrets.json` of a run folder, which is deleted as soon as it is read. */
export type RunSecrets = SerializedSecrets

/** Reads a JSON file of a run folder. */
export async function readRunFile<T>(folder: string, file: RunFile): Promise<T> {
  return JSON.parse(await readFile(join(folder, runFiles[file]), 'utf8'))
}
