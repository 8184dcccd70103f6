import type { RemoteEnvironment } from '../cluster/remote-environment.js'
import type { Registry } from '../registry/registry.js'
import type { Logger } from '../runnable/logger.js'
import type { SecretsConfig } from '../runnable/secrets/secrets.js'
import type { Engine } from './engine.js'

/** Options of `openPool`. */
export interface PoolOptions {
  /**
   * Where tasks run: in child `processes` of this one (the default), `inline` in this very process, or with an engine
   * such as that of `flambeau/bullmq`.
   */
  engine?: 'processes' | 'inline' | Engine
  /**
   * The cluster whose factories do the tasks: `this.env` in the `run` of a `ClusterRunnable`. Tasks run here where it is
   * absent or has no factories, or `engine` says otherwise.
   */
  env?: RemoteEnvironment | undefined
  /** On a cluster: the URL of a Redis of your own, in place of one that begins and ends with the pool. */
  redis?: string
  /** For a `redis` with `rediss://`: the certificate of who vouches for it, as PEM or the path of a file. */
  ca?: string
  /** On a cluster: the Redis of the pool is reached by TLS, with a certificate made for it; default false. */
  tls?: boolean
  /** On a cluster: milliseconds after which a host that went silent loses its tasks to others; default 10 000. */
  lockMs?: number
  /** How many processes at most, on a cluster on each factory; default one for each processor. */
  workers?: number
  /** Modules that register the classes of the tasks, imported by each worker: URLs, paths, packages. */
  imports?: readonly (string | URL)[]
  /** Whose tags count for what this process writes and runs `inline`; the default registry when absent. */
  registry?: Registry
  /** The extensions of the run, by name: `this.extensions` of a runnable. */
  extensions?: Readonly<Record<string, string>>
  /** What `config` of each task gives: `this.config` of a runnable. */
  secrets?: SecretsConfig
  /** Where `failed/` and `results/` are made when they are needed; default the current folder. */
  folder?: string
  /** Where lines of the tasks go, each with its task's id before it; default standard error. */
  logger?: Logger
  /** Ends every map of the pool. */
  signal?: AbortSignal
  /** How often a task is run again whose worker died; default 2. */
  crashRetries?: number
  /** Milliseconds that a cancelled task has to clean up: half of them before TERM, half before KILL; default 5000. */
  graceMs?: number
}
