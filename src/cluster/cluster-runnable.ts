import { setSerializableAttr } from '../document/construct/records.js'
import { Runnable, type UserProvider } from '../runnable/runnable.js'
import type { RemoteEnvironment } from './remote-environment.js'

/** What `setup` may ask of a cluster. */
export interface ClusterAccess {
  /** What the run on the cluster will know of it. */
  getRemoteEnv(userProvider: UserProvider): RemoteEnvironment | Promise<RemoteEnvironment>
}

/** What {@link ClusterRunnable.setup} is given. */
export interface SetupOptions {
  readonly cluster: ClusterAccess
  readonly extensions: Readonly<Record<string, string>>
  readonly force: boolean
}

/**
 * A runnable that can run on a cluster: `setup` prepares the hosts, then it runs on the orchestrator with `env`.
 *
 * Run locally it has no `env`, and should work all the same.
 */
export abstract class ClusterRunnable<Result = unknown, Options extends object = {}> extends Runnable<
  Result,
  Options
> {
  /** @internal */
  static readonly injectedOptions: readonly string[] = ['env']

  /** The cluster that this runs on; absent when it runs locally. */
  declare env?: RemoteEnvironment

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
}
