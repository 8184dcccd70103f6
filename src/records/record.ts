import type { Problem } from '../errors.js'
import type { ProcessIdentity } from '../util/process-identity.js'
import type { Objective } from './events.js'

/** The state of a run. `queued`: it waits for its cluster. `lost`: its process is gone without an end. */
export type RecordState = 'queued' | 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost'

/** Where a value of `run.yaml` comes from. */
export interface RecordedOrigin {
  /** The path of the value; empty for the whole document. */
  readonly path: string
  readonly file: string
  readonly line: number
  readonly column: number
}

/** The cluster on which a run runs. */
export interface RecordedCluster {
  readonly name: string
  /** The YAML file of the cluster: an absolute path. */
  readonly file: string
  /** The name of its orchestrator. */
  readonly orchestrator: string
}

/** The sweep that a run is. */
export interface RecordedSweep {
  readonly metrics: readonly Objective[]
  readonly trials: number
  readonly output: string
  readonly repeat: string
}

/** The state of the repository of a project. */
export interface RecordedGit {
  readonly commit: string
  readonly branch?: string
  readonly dirty: boolean
  /** The changed files that `changes.patch` leaves out; `.` when git could not list them. */
  readonly left?: readonly string[]
  /** How many more it leaves out. */
  readonly leftMore?: number
}

/** `run.json` in the folder of a record. */
export interface RunRecord {
  readonly format: 1
  readonly id: string
  readonly state: RecordState
  /** The file, as it was named. */
  readonly file: string
  /** The id of the run whose file this one repeats. */
  readonly rerunOf?: string | undefined
  /** The tag of the top node. */
  readonly tag: string
  /** The words of the command line; empty for a run in code. */
  readonly argv: readonly string[]
  /** The current folder. */
  readonly folder: string
  /** The overrides. */
  readonly set: readonly string[]
  /** The seed that it was given. */
  readonly seed?: number | undefined
  /** What it needs of its host, as `--needs` says it. */
  readonly needs?: string | undefined
  /** The URLs of the modules that were imported. */
  readonly imports: readonly string[]
  readonly secrets?: string | false | undefined
  readonly secretsDialect?: string | undefined
  readonly envFiles?: readonly string[] | undefined
  /** ISO 8601. */
  readonly startedAt: string
  readonly endedAt?: string | undefined
  readonly exitCode?: number | undefined
  readonly error?: string | undefined
  /** Why Slurm ended it, as Slurm calls it. */
  readonly reason?: string | undefined
  readonly problems?: readonly Problem[] | undefined
  readonly user: string
  readonly host: string
  /** The process of a run on this machine. */
  readonly process?: ProcessIdentity | undefined
  /** The values of `run.yaml` by path. */
  readonly options: Readonly<Record<string, unknown>>
  /** What schemas filled in, by path. */
  readonly defaults: Readonly<Record<string, unknown>>
  readonly origins: readonly RecordedOrigin[]
  /** The version of Node. */
  readonly node: string
  readonly flambeau: string
  /** The versions of the packages of the project. */
  readonly packages: Readonly<Record<string, string>>
  /** The SHA-256 of each module, by its path in the project. */
  readonly modules: Readonly<Record<string, string>>
  readonly git?: RecordedGit | undefined
  readonly cluster?: RecordedCluster | undefined
  /** The run for which a queued one waits on its cluster. */
  readonly waitsFor?: string | undefined
  readonly sweep?: RecordedSweep | undefined
  /** The numbers of the result by path; of a sweep, the best value of its metric. */
  readonly values?: Readonly<Record<string, number>> | undefined
}

/** Whether a run in this state has ended. */
export function isEndState(state: RecordState): boolean {
  return state !== 'queued' && state !== 'starting' && state !== 'running'
}
