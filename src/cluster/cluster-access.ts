import type { UserProvider } from '../runnable/runnable.js'
import type { Host } from './host/host.js'
import type { RemoteEnvironment } from './remote-environment.js'
import type { Resources } from './wire/protocol.js'

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
