import type { Gpu } from '../../util/gpus.js'
import type { TreeManifest } from './tree.js'

export type { Gpu }

/** The CPUs, memory and GPUs of a host. */
export interface Resources {
  readonly cpus: number
  /** In bytes. */
  readonly memory: number
  /** The GPUs that `nvidia-smi` or `rocm-smi` list, in the order of their numbers. */
  readonly gpus: readonly Gpu[]
}

/** The state of a host, and of a cluster on it. */
export interface HostState {
  readonly home: string
  readonly user: string
  /** The error code if `~/.flambeau` cannot be written, such as `EACCES`. */
  readonly unwritable?: string
  /** The free bytes for this user on the disk of the home folder. */
  readonly freeBytes: number
  /** The hashes of the requested trees that the host does not have. */
  readonly missing: readonly string[]
  /** Whether the setup commands with the requested hash have run. */
  readonly setUp: boolean
  /** The public key of the cluster; only on the orchestrator. */
  readonly publicKey?: string
  /** The lines of `authorized_keys` that belong to this cluster. */
  readonly authorized: readonly string[]
  /** The public host keys, such as `ssh-ed25519 AAAA...`. */
  readonly hostKeys: readonly string[]
  /** The lines of `known_hosts` with which the orchestrator connects to the workers. */
  readonly knownHosts: string
  /** The mark of the connections to the workers that last succeeded. */
  readonly reached?: string
  /** The other clusters of this user that use the host. */
  readonly others: readonly OtherCluster[]
}

/** Another cluster that uses a host. */
export interface OtherCluster {
  readonly name: string
  /** The id of its run that is active there. */
  readonly run?: string
}

/**
 * The state of a run. `queued`: it waits for its turn. `lost`: the host was restarted, or the supervisor of the run was
 * killed.
 */
export type RunState = 'queued' | 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost'

/** The status of a run. */
export interface RunStatus {
  readonly id: string
  readonly cluster: string
  readonly state: RunState
  /** The name of the runnable file, such as `job.yaml`. */
  readonly file: string
  /** ISO 8601, by the clock of the host. */
  readonly startedAt: string
  readonly endedAt?: string
  /** Present if the run exited by itself. */
  readonly exitCode?: number
  /** The signal that ended it, such as `SIGKILL`. */
  readonly signal?: string
  /** What a `queued` run waits for: the id of the run before it, or the reason that Slurm gives, such as `Resources`. */
  readonly waitsFor?: string
  /** Why Slurm ended the run, as it calls it: `TIMEOUT`, `PREEMPTED`, `OUT_OF_MEMORY`, `NODE_FAIL`. */
  readonly reason?: string
  /** In bytes. */
  readonly logSize: number
}

/** What Slurm writes when it ends a step, or processes of it, for their memory. */
export const memoryKill = /exceeded memory limit|oom.?kill event/i

/** How a program on a host exited: with a code from 0 to 255, or by a signal. */
export interface Exit {
  readonly exitCode: number | null
  readonly signal: string | null
}

/** The files of a project for one run. */
export interface WorkFiles {
  /** The tree that was sent, as a path below `packages`. */
  readonly tree: string
  /** The current folder of the run, as a path within the project; empty for the project itself. */
  readonly folder: string
}

/** What the process of a run is started with: a part of its `program.json`. */
export interface RunSurroundings {
  /** Environment variables, of the run and of the workers of its pools. */
  readonly variables?: Readonly<Record<string, string>> | undefined
  /** How many GPUs of the orchestrator it has to itself. */
  readonly gpus?: number | undefined
}

/** A run to start; its trees were sent before. */
export interface RunSpecification {
  readonly id: string
  readonly cluster: string
  readonly file: string
  /** Whether to cancel the active run of the cluster first, and to start before the runs that are queued. */
  readonly force: boolean
  /** Whether to start after the runs that are active or queued; then `force` cancels nothing. */
  readonly queue: boolean
  /** The hash of the tree that contains flambeau. */
  readonly packageHash: string
  /** The trees that it uses, as paths below `packages`. */
  readonly trees: readonly string[]
  /** Text files of the run folder, by name. */
  readonly files: Readonly<Record<string, string>>
  /** The files of the project that it works with, if there are any. */
  readonly work?: WorkFiles
  /** Present when the run is a job of Slurm, which starts it. */
  readonly slurm?: { /** The options of `sbatch`. */ readonly arguments: readonly string[] }
}

/**
 * The operations of the agent, each with its request (`ask`) and its reply. The sender of bytes announces their
 * number.
 */
export interface Operations {
  inspect: {
    ask: {
      cluster: string
      trees: readonly string[]
      setup?: string
      /** Whether to create the key of the cluster if it is missing. */
      makeKey: boolean
    }
    reply: HostState
  }
  resources: {
    /** `variables`: environment variables of those who use the host, which may hide GPUs. */
    ask: { readonly variables?: Readonly<Record<string, string>> }
    reply: Resources
  }
  /** Runs shell commands in order; with a `hash`, records that they have run. */
  setUp: { ask: { cluster: string; commands: readonly string[]; hash?: string }; reply: SetupResult }
  authorize: { ask: { cluster: string; publicKey: string }; reply: Done }
  /** Replaces the `known_hosts` file of the orchestrator. */
  setKnownHosts: { ask: { cluster: string; knownHosts: string }; reply: Done }
  /** Runs programs that connect to the workers; stores `mark` if all succeed. */
  testConnections: {
    ask: { cluster: string; commands: readonly (readonly string[])[]; mark?: string }
    reply: { ends: readonly { exitCode: number | null; stderr: string }[] }
  }
  /**
   * Receives a tree. The agent sends {@link WantedFiles}; unless they are empty, a {@link ContentHeader} and its
   * bytes follow.
   */
  receive: { ask: { path: string; manifest: TreeManifest; fresh: boolean; cluster?: string }; reply: Done }
  /**
   * Records the trees that the new run of a cluster uses, as paths below `packages`; unused trees may be removed, and the
   * unchanged files of earlier runs, but nothing of the runs in `unfinished`, which only the orchestrator knows.
   */
  retain: {
    ask: { cluster: string; run: string; trees: readonly string[]; unfinished: readonly string[] }
    reply: Done
  }
  /** Makes the folder in which the tasks of a run work on a worker host, once for each run. */
  makeWorkFolder: {
    ask: { cluster: string; run: string; work?: WorkFiles }
    reply: { project: string; folder: string }
  }
  /** Sends a file or folder: a list of files, then each file in chunks with a {@link ChunkHeader}. */
  sendTree: { ask: { path: string }; reply: Done }
  /** Runs a program. `input` bytes follow the request; chunks of output come before the reply. */
  exec: {
    ask: { argv: readonly string[]; cwd?: string; env?: Readonly<Record<string, string>>; input: number }
    reply: Exit
  }
  /** `size` bytes follow. */
  put: { ask: { path: string; size: number; mode: number }; reply: Done }
  get: { ask: { path: string }; reply: Done }
  makeFolders: { ask: { paths: readonly string[] }; reply: Done }
  remove: { ask: { path: string; contentOnly: boolean }; reply: Done }
  exists: { ask: { path: string }; reply: { exists: boolean } }
  /**
   * Starts a run, or queues it. Returns the run that it waits for, or its job of Slurm, and the other runs of the cluster that are
   * active or queued.
   */
  start: {
    ask: RunSpecification
    reply: { id: string; waitsFor?: string; job?: string; unfinished: readonly string[] }
  }
  runs: { ask: { cluster: string }; reply: { runs: RunStatus[] } }
  status: { ask: { cluster: string; id: string }; reply: RunStatus }
  /** Finds the byte at which the last `tail` lines of a log start. */
  logStart: { ask: { cluster: string; id: string; tail: number }; reply: { offset: number } }
  /** Sends the log, or the events, in chunks from `offset` on; with `follow`, until the run is over. */
  logs: {
    ask: { cluster: string; id: string; offset: number; follow: boolean; file?: 'log' | 'events' }
    reply: Done
  }
  wait: { ask: { cluster: string; id: string }; reply: RunStatus & { result?: string } }
  cancel: { ask: { cluster: string; id: string; graceMs: number }; reply: RunStatus }
  /** Removes everything that this package put on the host for a cluster. */
  down: { ask: { cluster: string; force: boolean; graceMs: number }; reply: Done }
}

export type Operation = keyof Operations
export type Request<O extends Operation> = Operations[O]['ask']
export type Reply<O extends Operation> = Operations[O]['reply']

/** A value before it is written as JSON, which leaves out what is `undefined`. */
export type Unwritten<T> = T extends object
  ? { [K in keyof T]: {} extends Pick<T, K> ? Unwritten<T[K]> | undefined : Unwritten<T[K]> }
  : T

export interface Done {
  readonly done: true
}

/** The setup command that failed, if one did. */
export interface SetupResult {
  readonly failed?: { command: string; exitCode: number | null; signal: string | null; output: string }
}

/** The indexes of the files that are to be sent. */
export interface WantedFiles {
  readonly wanted: readonly number[]
}

/** Precedes the bytes of all wanted files: `compressed` bytes of gzip, or the plain bytes. */
export interface ContentHeader {
  readonly compressed?: number
}

/** Precedes so many bytes of standard output (or of a file) or of standard error. */
export interface ChunkHeader {
  readonly bytes: number
  readonly stream: 'stdout' | 'stderr'
}

/** The last message of a response. */
export type Response<O extends Operation = Operation> =
  | { readonly reply: Unwritten<Reply<O>> }
  | { readonly error: Unwritten<AgentError> }

/** An error on the host; `code` is one of this package, such as `RUN_ACTIVE`, or that of a system error. */
export interface AgentError {
  readonly code: string
  readonly message: string
  readonly detail?: string
}

/** Sent repeatedly while an operation is in progress, so that the client knows that it is. */
export const heartbeat = { alive: true } as const

/** The interval of heartbeats in milliseconds: a fraction of the time that a host may be silent. */
export const heartbeatMs = 10_000

/** The first line of the agent. The login shell of a host may print anything before it. */
export const greeting = 'flambeau-agent-ready'

/** How many characters of the end of a program's output an error keeps. */
export const maxErrorOutput = 4000
