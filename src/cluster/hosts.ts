import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, posix } from 'node:path'
import { ClusterConfigurationError } from '../errors.js'
import { mapLimited } from '../util/concurrency.js'
import { absolutePath } from '../util/paths.js'
import type { AgentHost } from './host/agent-host.js'
import { type Members, maxConcurrentHosts } from './members.js'
import { fromHome } from './protocol/layout.js'
import type { Request, Resources } from './protocol/messages.js'
import { commandFailed, failureOf, type HostFailure, notReady } from './provision/errors.js'

/** Where content is sent. */
interface ContentTarget {
  /** A path in the cluster's folder. */
  readonly path: string
  /** Whether the workers get it as well. */
  readonly allHosts: boolean
  /** The home folder of the hosts. */
  readonly home: string
}

/** Runs operations on all hosts of a cluster at once, most of them in the cluster's folder. */
export class ClusterHosts {
  readonly #orchestrator: AgentHost
  readonly #factories: readonly AgentHost[]

  constructor(
    readonly cluster: string,
    { orchestrator, factories }: Members,
  ) {
    this.#orchestrator = orchestrator.host
    this.#factories = factories.map(({ host }) => host)
  }

  /** The orchestrator, then the workers. */
  get all(): readonly AgentHost[] {
    return [this.#orchestrator, ...this.#factories]
  }

  /** Returns the resources that every host that runs tasks has at least. */
  async getMaxResources(): Promise<Resources> {
    const hosts = this.#factories.length === 0 ? [this.#orchestrator] : this.#factories
    const all = await onEveryHost(hosts, (host) => host.resources())
    return all.reduce((least, each) => ({
      cpus: Math.min(least.cpus, each.cpus),
      memory: Math.min(least.memory, each.memory),
      gpus: least.gpus.length <= each.gpus.length ? least.gpus : each.gpus,
    }))
  }

  async runCommands(commands: readonly string[]): Promise<void> {
    await onEveryHost(this.all, async (host) => {
      const { failed } = await host.ask('setUp', { cluster: this.cluster, commands })
      if (failed) throw commandFailed(host.name, failed)
    })
  }

  async createDirs(paths: readonly string[]): Promise<void> {
    const inside = paths.map((path) => contentPath(this.cluster, path))
    await onEveryHost(this.all, (host) => host.makeFolders(inside))
  }

  async removeDir(path: string, options: { readonly contentOnly?: boolean }): Promise<void> {
    const inside = contentPath(this.cluster, path)
    await onEveryHost(this.all, (host) => host.remove(inside, options))
  }

  /** Whether a path exists on any of them. */
  async existingDir(path: string): Promise<boolean> {
    const inside = contentPath(this.cluster, path)
    return (await onEveryHost(this.all, (host) => host.exists(inside))).includes(true)
  }

  /** Sends files and folders, by name. A path that does not exist here is taken as a path on the host. */
  async sendLocalContent(
    content: Readonly<Record<string, string>>,
    target: ContentTarget,
  ): Promise<Record<string, string>> {
    const sent: Record<string, string> = {}
    for (const [key, source] of Object.entries(content))
      sent[key] = resolveOnHost(await this.#sendOne(key, source, target), target.home)
    return sent
  }

  async #sendOne(key: string, source: string, { path, allHosts }: ContentTarget): Promise<string> {
    const local = findLocalContent(source)
    if (local === undefined) return source
    const folder = contentPath(this.cluster, posix.join(path, key))
    const hosts = allHosts ? this.all : [this.#orchestrator]
    const [remotePath] = await onEveryHost(hosts, (host) => syncInto(host, local, folder))
    return remotePath!
  }
}

/**
 * Calls `work` for several hosts at once. The failure of one does not stop the others.
 *
 * @throws `ClusterError` whose `findings` name each host that failed.
 */
export async function onEveryHost<R>(
  hosts: readonly AgentHost[],
  work: (host: AgentHost) => Promise<R>,
): Promise<R[]> {
  const failures: HostFailure[] = []
  const results = await mapLimited(hosts, maxConcurrentHosts, async (host) => {
    try {
      return [await work(host)]
    } catch (error) {
      failures.push(failureOf(host.name, error))
      return []
    }
  })
  if (failures.length > 0) throw notReady(failures, hosts.length)
  return results.flat()
}

/**
 * Removes everything that this package put on the hosts of a cluster. Only the orchestrator knows whether a run is
 * active, so it comes first: while it refuses, the workers keep what the run needs. If it cannot be reached, the
 * workers are cleared nevertheless.
 */
export async function removeCluster(
  { orchestrator, factories }: Members,
  request: Request<'down'>,
): Promise<void> {
  const first = orchestrator.host.ask('down', request)
  const refused = await first.then(
    () => false,
    ({ code }) => code === 'RUN_ACTIVE',
  )
  const members = refused ? [orchestrator] : [orchestrator, ...factories]
  const hosts = members.map(({ host }) => host)
  await onEveryHost(hosts, (host) => (host === orchestrator.host ? first : host.ask('down', request)))
}

/** The path of users' content of a cluster on a host, relative to the home folder. */
export function contentPath(cluster: string, path: string): string {
  const within = posix.normalize(path)
  if (!posix.isAbsolute(within) && within !== '..' && !within.startsWith('../'))
    return posix.join(fromHome.cluster(cluster, 'content'), within)
  const message = `"${path}" is outside of the cluster's folder on its hosts: name a relative path without ".."`
  throw new ClusterConfigurationError(message, { code: 'OUTSIDE_OF_CLUSTER' })
}

/** Sends a file or folder into a folder of a host. Returns its path there, relative to the home folder. */
async function syncInto(host: AgentHost, local: string, folder: string): Promise<string> {
  const path = posix.join(folder, basename(local))
  if ((await stat(local)).isDirectory()) await host.sync(local, path)
  else await host.sync(local, folder)
  return path
}

/** The absolute path on a host: `~` is the home folder there, and relative paths start at it. */
function resolveOnHost(path: string, home: string): string {
  return posix.resolve(home, path.replace(/^~(?=\/|$)/, '.'))
}

/** The absolute path of content on this machine; `undefined` if it does not exist. */
function findLocalContent(path: string): string | undefined {
  const full = absolutePath(path)
  return existsSync(full) ? full : undefined
}
