import { readdir, rm, rmdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { registrable } from '../registry/registrable.js'
import { atHome } from './at-home.js'
import { Cluster } from './cluster.js'
import { ClusterName, MaxSize, Texts } from './cluster-schema.js'
import { LocalHost } from './host/local-host.js'
import type { Member, Members } from './members.js'

const LocalClusterOptions = toStandardJsonSchema(
  v.strictObject({
    name: ClusterName,
    setupCmds: Texts,
    secrets: Texts,
    maxSize: MaxSize,
    factories: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100)), 2),
    folder: v.optional(v.string()),
  }),
)

/** What the folders of hosts are called, of those as well that the cluster had once. */
const hostName = /^(?:orchestrator|factory-\d+)$/

/**
 * A cluster on this machine, to try things on: each host is a folder, the home folder of all that runs there. Nothing
 * has to be installed, and all else is as on other clusters.
 *
 * ```yaml
 * !LocalCluster
 * name: try
 * factories: 2          # the default
 * folder: ./cluster     # default: ~/.flambeau/local/NAME
 * ```
 */
export class LocalCluster extends Cluster.with(LocalClusterOptions) {
  protected override connect(): Members {
    const factories = Array.from({ length: this.options.factories }, (_, index) => `factory-${index + 1}`)
    return {
      orchestrator: this.#member('orchestrator', 'orchestrator'),
      factories: factories.map((name) => this.#member(name, 'factory')),
    }
  }

  /** Where the folders of the hosts are. */
  get folder(): string {
    const { name, folder } = this.options
    return folder === undefined ? join(homedir(), '.flambeau/local', name) : atHome(folder)
  }

  /** Takes the hosts away, too: they were made for this cluster. */
  override async down(options: Parameters<Cluster['down']>[0] = {}): Promise<void> {
    await super.down(options)
    await this.close()
    const names = await readdir(this.folder).catch(() => [])
    for (const name of names.filter((each) => hostName.test(each)))
      await rm(join(this.folder, name), { recursive: true, force: true })
    // The folder is the user's choice: there may be other things in it.
    await rmdir(this.folder).catch(() => undefined)
  }

  #member(name: string, role: Member['role']): Member {
    const folder = join(this.folder, name)
    const connection = { kind: 'local', name, folder } as const
    return { host: new LocalHost(name, folder), role, address: '127.0.0.1', connection }
  }
}

registrable('!LocalCluster', {
  keys: 'snake_case',
  twin: true,
  description: 'A cluster on this machine, to try things on',
})(LocalCluster)
