import { setSerializableAttr } from '../document/construct/records.js'
import { Runnable } from '../runnable/runnable.js'
import type { ClusterAccess } from './cluster-access.js'
import type { RemoteEnvironment } from './remote-environment.js'

/** What {@link ClusterRunnable.setup} is given. */
export interface SetupOptions {
  readonly cluster: ClusterAccess
  readonly extensions: Readonly<Record<string, string>>
  readonly force: boolean
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

  /** The cluster that this runs on; absent when it runs locally. */
  declare env?: RemoteEnvironment

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
