import { setSerializableAttr } from '../document/construct/provenance.js'
import { RegistrationError } from '../errors.js'
import { whyInjected } from '../registry/registration.js'
import type { NeedsSite } from '../runnable/needs-problems.js'
import { Runnable, type RunnableParameters, type UserProvider } from '../runnable/runnable.js'
import type { Host } from './host/host.js'
import type { Resources } from './protocol/messages.js'
import type { RemoteEnvironment } from './remote-environment.js'

/** The argument of {@link ClusterRunnable.setup}. */
export interface SetupOptions {
  readonly cluster: ClusterAccess
  /** The paths on the orchestrator of the extensions in the runnable file, by name. They have been sent already. */
  readonly extensions: Readonly<Record<string, string>>
  readonly force: boolean
}

/** The options that the constructor of every {@link ClusterRunnable} accepts besides those of its class. */
export interface ClusterRunnableParameters extends RunnableParameters {
  /** The cluster on which it runs; it is dumped with the object. */
  env?: RemoteEnvironment | null
}

/** The argument of {@link ClusterRunnable.preflight}. */
export interface PreflightOptions {
  /** How many hosts would run its tasks. */
  readonly factories: number
  /**
   * Asks the hosts that would run its tasks, or the orchestrator when there are none, for what they have. Nothing is sent to them by
   * this.
   */
  readonly resources: () => Promise<readonly (Resources & { readonly host: string })[]>
}

/** What the workers of a runnable need. */
export interface WorkerNeeds {
  readonly site: NeedsSite
  /** As many as fit when absent. */
  readonly workers: number | undefined
}

const brand = Symbol.for('flambeau.ClusterRunnable')

/**
 * A runnable that can run on a cluster: `setup` prepares the hosts, then it runs on the orchestrator with `env`.
 *
 * Without a cluster, `setup` is not called and `env` is absent; `run` should work in that case as well.
 *
 * ```ts
 * @registrable('!Search')
 * class Search extends ClusterRunnable {
 *   override async setup({ cluster }: SetupOptions) {
 *     await cluster.createDirs(['results'])
 *   }
 *   override run() {
 *     return this.env ? `on ${this.env.factoriesIps.length} factories` : 'here'
 *   }
 * }
 * ```
 */
export abstract class ClusterRunnable<Result = unknown, Options extends object = {}> extends Runnable<
  Result,
  Options
> {
  /** @internal */
  static readonly injectedOptions: readonly string[] = ['env']
  /** @internal */
  declare static readonly ownOptions: ClusterRunnableParameters

  /** @internal */
  static [whyInjected](_option: string): string {
    return 'is the cluster, which a run on a cluster sets: write environment variables as "env" of the cluster file'
  }

  /** @internal */
  static override takes(name: string, value: unknown): boolean {
    return name === 'env' || super.takes(name, value)
  }

  /** The cluster on which it runs; absent when it runs locally. */
  declare env?: RemoteEnvironment

  /** The options `env` and `userProvider` are not passed to the schema of the class. */
  constructor(options?: object & ClusterRunnableParameters) {
    super(options)
    if (options?.env) this.setSerializableAttr('env', options.env)
  }

  /**
   * Checks whether this can run on a cluster, before anything is sent. It may be asynchronous.
   *
   * @throws When it cannot.
   */
  preflight(_options: PreflightOptions): void | Promise<void> {}

  /** @internal What each worker of its pool needs, and how many workers it has on a host at most. */
  get workerNeeds(): WorkerNeeds | undefined {
    return undefined
  }

  /** Prepares the cluster. It is called on the machine that submits the run, before the runnable is sent. */
  abstract setup(options: SetupOptions): void | Promise<void>

  /** Calls `setup`, then makes `env` part of the runnable that is sent. */
  async setupInjectEnv(options: SetupOptions): Promise<void> {
    if (typeof this.setup !== 'function') throw noSetup(this.constructor.name)
    await this.setup(options)
    this.setSerializableAttr('env', await options.cluster.getRemoteEnv(this.userProvider))
  }

  /** Sets an attribute that the next dump includes. If `options` has the attribute, it is replaced there as well. */
  setSerializableAttr(name: string, value: unknown): void {
    setSerializableAttr(this, name, value)
  }

  /** @internal */
  get [brand](): true {
    return true
  }
}

/** Whether a value is a {@link ClusterRunnable}, whichever copy of this package its class extends. */
export function isClusterRunnable(value: object): value is ClusterRunnable<unknown, any> {
  return brand in value
}

// TypeScript reports a missing method when it compiles; JavaScript does not.
function noSetup(name: string): RegistrationError {
  const message = `Class "${name}" extends ClusterRunnable and has no method "setup"`
  return new RegistrationError(`${message}: write "async setup({ cluster }) {}" in it`, { code: 'NO_SETUP' })
}

/** What {@link ClusterRunnable.setup} can do with a cluster. Its hosts are ready when `setup` is called. */
export interface ClusterAccess {
  readonly name: string
  /** The host that runs the runnable. */
  readonly orchestrator: Host
  /** The hosts that run its tasks. */
  readonly factories: readonly Host[]

  /** Returns the environment that the run gets as `env`. */
  getRemoteEnv(userProvider: UserProvider): RemoteEnvironment | Promise<RemoteEnvironment>

  /** Returns the resources that every worker has at least. */
  getMaxResources(): Promise<Resources>

  /** Runs shell commands on all hosts, in order on each host. */
  runCommands(commands: readonly string[]): Promise<void>

  /** Creates folders inside the cluster's folder on all hosts. */
  createDirs(paths: readonly string[]): Promise<void>

  /** Removes a folder, or only its content, from the cluster's folder on all hosts. */
  removeDir(path: string, options?: { readonly contentOnly?: boolean }): Promise<void>

  /** Whether a folder exists in the cluster's folder on any host. */
  existingDir(path: string): Promise<boolean>

  /**
   * Sends files and folders, by name, to `path` in the cluster's folder on the orchestrator, or on all hosts with
   * `allHosts`. Returns the path of each on the host. A path that does not exist here is taken as a path on the host.
   */
  sendLocalContent(
    content: Readonly<Record<string, string>>,
    path: string,
    options?: { readonly allHosts?: boolean },
  ): Promise<Record<string, string>>
}
