import type { TreeManifest } from './tree.js'

/** What a host has to compute with. */
export interface Resources {
  readonly cpus: number
  /** In bytes. */
  readonly memory: number
  /** The names of the GPUs that `nvidia-smi` lists; empty where there is none. */
  readonly gpus: readonly string[]
}

/** What a host tells of itself, and of what there is of a cluster on it. */
export interface HostState {
  readonly home: string
  readonly user: string
  /** Why `~/.flambeau` cannot be written, if it cannot: an errno name. */
  readonly unwritable?: string
  /** Bytes left for this user where the home is. */
  readonly freeBytes: number
  /** The hashes of those trees that were asked for and are not there. */
  readonly missing: readonly string[]
  /** Whether these setup commands have run here. */
  readonly setUp: boolean
  /** The public half of the cluster's key; on the orchestrator only. */
  readonly publicKey?: string
  /** The lines of `authorized_keys` that are this cluster's. */
  readonly authorized: readonly string[]
  /** The public keys by which this host is known, as in `ssh-ed25519 AAAA...`. */
  readonly hostKeys: readonly string[]
  /** What the orchestrator knows of the factories, as lines of `known_hosts`. */
  readonly knownHosts: string
  /** The mark of the ways to the factories that were tried last, when all of them led there. */
  readonly reached?: string
}

/** How one run is doing. `lost`: the host was restarted, or the run's supervisor was killed. */
export type RunState = 'starting' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'lost'

/** What is known of a run. */
export interface RunStatus {
  readonly id: string
  readonly cluster: string
  readonly state: RunState
  /** What it runs, such as `job.yaml`. */
  readonly file: string
  /** ISO 8601, by the clock of the host. */
  readonly startedAt: string
  readonly endedAt?: string
  /** Exact, when the run ended by itself. */
  readonly exitCode?: number
  /** The signal that ended it, such as `SIGKILL`. */
  readonly signal?: string
  /** In bytes. */
  readonly logSize: number
}

/** How a program on a host ended: by itself with a code from 0 to 255, or by a signal. */
export interface Exit {
  readonly exitCode: number | null
  readonly signal: string | null
}

/** What a run needs besides the trees. */
export interface RunSpecification {
  readonly id: string
  readonly cluster: string
  readonly file: string
  /** Cancel what runs in the cluster, and run this. */
  readonly force: boolean
  /** The hash of the tree that holds flambeau itself. */
  readonly packageHash: string
  /** Text files of the run folder, by name. */
  readonly files: Readonly<Record<string, string>>
}

/** Every question to a host with its answer. What follows in bytes is told by the one who sends it. */
export interface Operations {
  inspect: {
    ask: {
      cluster: string
      trees: readonly string[]
      setup?: string
      /** Make the key of the cluster, if it is not there. */
      makeKey: boolean
    }
    reply: HostState
  }
  measure: { ask: {}; reply: Resources }
  /** Runs shell commands, one after another; with a `hash` it is noted that those have run. */
  setUp: { ask: { cluster: string; commands: readonly string[]; hash?: string }; reply: SetupResult }
  authorize: { ask: { cluster: string; publicKey: string }; reply: Done }
  know: { ask: { cluster: string; knownHosts: string }; reply: Done }
  /** Runs programs that connect to the factories; when all succeed, `mark` is kept. */
  reach: {
    ask: { cluster: string; commands: readonly (readonly string[])[]; mark?: string }
    reply: { ends: readonly { exitCode: number | null; stderr: string }[] }
  }
  /** Offers a tree; answered with {@link WantedFiles}. If that is anything, {@link ContentHeader} and its bytes follow. */
  receive: { ask: { to: string; manifest: TreeManifest; fresh: boolean; cluster?: string }; reply: Done }
  /** Says what the run that a cluster has just started uses, as paths below `packages`; what nobody uses may go. */
  retain: { ask: { cluster: string; trees: readonly string[] }; reply: Done }
  /** Answered with a manifest, after which the {@link ChunkHeader}s of all files follow. */
  give: { ask: { from: string }; reply: Done }
  /** Answered with pieces of output and the exit; `input` bytes follow. */
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
  start: { ask: RunSpecification; reply: { id: string } }
  runs: { ask: { cluster: string }; reply: { runs: RunStatus[] } }
  status: { ask: { cluster: string; id: string }; reply: RunStatus }
  /** Where the last `tail` lines of a run's log begin, in bytes. */
  logStart: { ask: { cluster: string; id: string; tail: number }; reply: { offset: number } }
  /** Answered with {@link ChunkHeader}s from `offset` on; with `follow` until the run has ended. */
  logs: { ask: { cluster: string; id: string; offset: number; follow: boolean }; reply: Done }
  wait: { ask: { cluster: string; id: string }; reply: RunStatus & { result?: string } }
  cancel: { ask: { cluster: string; id: string; graceMs: number }; reply: RunStatus }
  /** Removes all that this package put on the host for a cluster. */
  down: { ask: { cluster: string; force: boolean; graceMs: number }; reply: Done }
}

export type Operation = keyof Operations
export type Request<O extends Operation> = Operations[O]['ask']
export type Reply<O extends Operation> = Operations[O]['reply']

export interface Done {
  readonly done: true
}

/** How the first setup command that failed ended; nothing when all went well. */
export interface SetupResult {
  readonly failed?: { command: string; exitCode: number | null; signal: string | null; output: string }
}

/** The indexes of the files that are to be sent. */
export interface WantedFiles {
  readonly wanted: readonly number[]
}

/** The bytes of all wanted files follow, one after another: `compressed` bytes of gzip, or as they are. */
export interface ContentHeader {
  readonly compressed?: number
}

/** So many bytes follow, of standard output (or of a file) or of standard error. */
export interface ChunkHeader {
  readonly bytes: number
  readonly stream: 'stdout' | 'stderr'
}

/** The last line that answers a question. */
export type Response<O extends Operation = Operation> =
  | { readonly reply: Reply<O> }
  | { readonly error: AgentError }

/** What went wrong on the host; `code` is ours, such as `RUN_ACTIVE`, or an errno name. */
export interface AgentError {
  readonly code: string
  readonly message: string
  readonly detail?: string
}

/** Said again and again while an answer is worked on: who waits for it knows that it is. */
export const heartbeat = { alive: true } as const

/** How often that is said, in milliseconds: several times while the other side may be silent. */
export const heartbeatMs = 10_000

/** The line before which the login shell of a host may print what it likes. */
export const greeting = 'flambeau-agent-ready'
