import type { RunFlags } from '../../runnable/run-options.js'
import type { SerializedSecrets } from '../../runnable/secrets/serialize-secrets.js'
import type { Connection } from '../members.js'

/** `program.json` of a run folder: what the run needs besides its runnable. Paths are relative to the package. */
export interface RunProgram {
  readonly cluster: string
  readonly file: string
  readonly flags: RunFlags
  readonly localUser: string
  /** Where each extension lies. */
  readonly extensions: Readonly<Record<string, string>>
  /** The extensions as the runnable file declares them. */
  readonly declared: Readonly<Record<string, string>>
  /** Modules that register classes, in order. */
  readonly imports: readonly string[]
}

/** `connection.json` of a run folder: how the orchestrator reaches its factories. */
export interface Connections {
  readonly cluster: string
  readonly packageHash: string
  readonly factories: readonly Connection[]
}

/** `secrets.json` of a run folder, gone as soon as it is read. */
export type RunSecrets = SerializedSecrets
