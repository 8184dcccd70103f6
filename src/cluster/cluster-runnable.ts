import { setSerializableAttr } from '../document/construct/provenance.js'
import { RegistrationError } from '../errors.js'
import { Runnable, type RunnableParameters, type UserProvider } from '../runnable/runnable.js'
import type { Host } from './host/host.js'
import type { Resources } from './protocol/messages.js'
import type { RemoteEnvironment } from './remote-environment.js'

/** What {@link ClusterRunnable.setup} is given. */
export interface SetupOptions {
  readonly cluster: ClusterAccess
  /** Where the extensions of the runnable file lie on the orchestrator, by name: they are there already. */
  readonly extensions: Readonly<Record<string, string>>
  readonly force: boolean
}

/** What the constructor of every {@link ClusterRunnable} takes besides the options of its class. */
export interface ClusterRunnableParameters extends RunnableParameters {
  /** The cluster that it runs on; dumped with the object. */
  env?: RemoteEnvironment | null
}

/** What {@link ClusterRunnable.preflight} is given. */
export interface PreflightOptions {
  /** How many hosts would do its tasks. */
  readonly factories: number
}

const brand = Symbol.for('flambeau.ClusterRunnable')

/**
 * A runnable that can run on a cluster: `setup` prepares the hosts, then it runs on the orchestrator with `env`.
 *
 * Run locally it has no `env`, and should work all the same.
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
  static override takes(name: string, value: unknown): boolean {
    return name === 'env' || super.takes(name, value)
  }

  /** The cluster that this runs on; absent when it runs locally. */
  declare env?: RemoteEnvironment

  /** `env` and `userProvider` among the options are no options of the class: its schema does not see them. */
  constructor(options?: object & ClusterRunnableParameters) {
    super(options)
    if (options?.env) this.setSerializableAttr('env', options.env)
  }

  /**
   * Finds out, before any host is connected to, whether this could run on a cluster; may be asynchronous.
   *
   * @throws When it could not.
   */
  preflight(_options: PreflightOptions): void | Promise<void> {}

  /** Prepares the cluster; called where the run is started, before it is sent. */
  abstract setup(options: SetupOptions): void | Promise<void>

  /** Calls `setup`, then makes `env` part of what is sent. */
  async setupInjectEnv(options: SetupOptions): Promise<void> {
    if (typeof this.setup !== 'function') throw noSetup(this.constructor.name)
    await this.setup(options)
    this.setSerializableAttr('env', await options.cluster.getRemoteEnv(this.userProvider))
  }

  /** Sets an attribute and makes it part of the next dump; in `options` it is replaced where it is there. */
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

// The compiler reports this in TypeScript; nothing does in JavaScript.
function noSetup(name: string): RegistrationError {
  const message = `Class "${name}" extends ClusterRunnable and has no method "setup"`
  return new RegistrationError(`${message}: write "async setup({ cluster }) {}" in it`, { code: 'NO_SETUP' })
}

/** What {@link ClusterRunnable.setup} may ask of a cluster, whose hosts are ready by then. */
export interface ClusterAccess {
  readonly name: string
  /** The host that runs the runnable. */
  readonly orchestrator: Host
  /** The hosts that do its tasks. */
  readonly factories: readonly Host[]

  /** What the run on the cluster will know of it. */
  getRemoteEnv(userProvider: UserProvider): RemoteEnvironment | Promise<RemoteEnvironment>

  /** What each of the factories has at least. */
  getMaxResources(): Promise<Resources>

  /** Runs shell commands on all hosts, one after another on each. */
  runCommands(commands: readonly string[]): Promise<void>

  /** Makes folders in the cluster's own folder on all hosts. */
  createDirs(paths: readonly string[]): Promise<void>

  /** Removes a folder, or what is in it, from the cluster's own folder on all hosts. */
  removeDir(path: string, options?: { readonly contentOnly?: boolean }): Promise<void>

  /** Whether a folder is there on any host. */
  existingDir(path: string): Promise<boolean>

  /**
   * Sends files and folders by name to `path` in the cluster's own folder on the orchestrator, with `allHosts` on all.
   * Answers with the path there of each; what does not exist here is taken for a path there already.
   */
  sendLocalContent(
    content: Readonly<Record<string, string>>,
    path: string,
    options?: { readonly allHosts?: boolean },
  ): Promise<Record<string, string>>
}
