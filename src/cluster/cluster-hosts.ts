import { posix } from 'node:path'
import { commandFailed } from './bring-up/findings.js'
import { contentPath, localContent, onHost, sendInto } from './cluster-files.js'
import type { AgentHost } from './host/agent-host.js'
import type { Members } from './members.js'
import { onEveryHost } from './on-every-host.js'
import type { Resources } from './wire/protocol.js'

/** How content is sent to the hosts of a cluster. */
export interface Sending {
  /** Where it goes, in the cluster's own folder. */
  readonly path: string
  /** To the factories as well. */
  readonly allHosts: boolean
  /** The home folder of the hosts. */
  readonly home: string
}

/** What the hosts of a cluster are asked all at once, most of it in the cluster's own folder there. */
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

  /** The orchestrator, then the factories. */
  get all(): readonly AgentHost[] {
    return [this.#orchestrator, ...this.#factories]
  }

  /** What each of those that do the tasks has at least. */
  async leastResources(): Promise<Resources> {
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

  async makeFolders(paths: readonly string[]): Promise<void> {
    const inside = paths.map((path) => contentPath(this.cluster, path))
    await onEveryHost(this.all, (host) => host.makeFolders(inside))
  }

  async remove(path: string, options: { readonly contentOnly?: boolean }): Promise<void> {
    const inside = contentPath(this.cluster, path)
    await onEveryHost(this.all, (host) => host.remove(inside, options))
  }

  /** Whether a path is there on any of them. */
  async exists(path: string): Promise<boolean> {
    const inside = contentPath(this.cluster, path)
    return (await onEveryHost(this.all, (host) => host.exists(inside))).includes(true)
  }

  /** Sends files and folders by name; what is not here is taken for a path there already. */
  async send(content: Readonly<Record<string, string>>, to: Sending): Promise<Record<string, string>> {
    const sent: Record<string, string> = {}
    for (const [key, source] of Object.entries(content))
      sent[key] = onHost(await this.#sendOne(key, source, to), to.home)
    return sent
  }

  async #sendOne(key: string, source: string, { path, allHosts }: Sending): Promise<string> {
    const local = localContent(source)
    if (local === undefined) return source
    const folder = contentPath(this.cluster, posix.join(path, key))
    const hosts = allHosts ? this.all : [this.#orchestrator]
    const [there] = await onEveryHost(hosts, (host) => sendInto(host, local, folder))
    return there!
  }
}
