import type { Problem } from '../errors.js'
import type { Objective } from '../records/events.js'

/** The files of a run that the page reads as text, by offset. */
export type RunText = 'trials' | 'metrics' | 'log' | 'trial-log'

/**
 * The state of a run; `queued` while it waits for its cluster; `lost` when its process is gone without an end. `incomplete`: the folder of a sweep, which does not say whether
 * its other trials still run.
 */
export type PageRunState =
  | 'queued'
  | 'starting'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'lost'
  | 'incomplete'

/** A run in the list of the page. */
export interface RunSummary {
  readonly id: string
  readonly state: PageRunState
  readonly exitCode?: number
  readonly file: string
  /** The tag of its top node, such as `!Train`. */
  readonly tag: string
  /** ISO 8601. */
  readonly startedAt: string
  readonly endedAt?: string
  readonly user: string
  readonly host: string
  readonly cluster?: string
  /** The command that was typed; empty for a run in code. */
  readonly command: string
  readonly commit?: string
  readonly isDirty?: boolean
  /** Its options by path, with defaults. */
  readonly options: Readonly<Record<string, string | number | boolean | null>>
  /** The numbers of its result; of its last progress while there is none; of the best trial of a sweep. */
  readonly values: Readonly<Record<string, number>>
  readonly sweep?: SweepSummary
}

/** The list of the page. */
export interface RunList {
  /** The latest first. */
  readonly runs: readonly RunSummary[]
  /** How many there are; the page lists the latest ones only. */
  readonly total: number
}

/** The sweep that a run is. */
export interface SweepSummary {
  readonly metrics: readonly Objective[]
  /** How many trials it has in all. */
  readonly trials: number
  /** The command that repeats a failed trial; `{trial}` stands for its number, `{seed}` for its seed. */
  readonly repeat: string
  readonly done: number
  readonly failed: number
}

/** Everything about one run but its long files. */
export interface RunDetail extends RunSummary {
  /** Its file, which runs again. */
  readonly yaml?: string
  readonly result?: unknown
  readonly error?: string
  readonly problems?: readonly Problem[]
  /** The version of Node, packages and hashes of modules, for the section about the environment. */
  readonly environment?: Readonly<Record<string, string>>
}

/** What stands in the page. */
export type PageData =
  | { readonly live: true }
  | {
      readonly live: false
      /** When the report was written. */
      readonly writtenAt: string
      readonly detail: RunDetail
      readonly files: Readonly<Partial<Record<RunText, string>>>
    }

/** A part of a file of a run. */
export interface TextPart {
  readonly text: string
  /** Where the next part begins, in bytes. */
  readonly next: number
}
