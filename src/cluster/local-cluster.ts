import { readdir, rmdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { ClusterConfigurationError } from '../errors.js'
import { ownRegistrable as registrable } from '../registry/own-tags.js'
import { Cluster } from './cluster.js'
import { commonOptions, pathOf, Text } from './cluster-options.js'
import { ManagedLocalHost, removeHostFolder } from './host/local-host.js'
import type { Member, Members } from './members.js'

const LocalClusterOptions = toStandardJsonSchema(
  v.strictObject({
    // One by one: compilers order the members of a spread differently in declarations.
    name: commonOptions.name,
    setupCmds: commonOptions.setupCmds,
    secrets: commonOptions.secrets,
    maxSize: commonOptions.maxSize,
    workers: commonOptions.workers,
    env: commonOptions.env,
    factories: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100)), 2),
    folder: v.optional(Text),
  }),
)

/** The names of host folders, including those of hosts that the cluster no longer has. */
const hostName = /^(?:orchestrator|factory-\d+)$/

/**
 * A cluster on this machine, to try things out: each host is a folder, which is the home folder of every program that
 * runs there. Nothing has to be installed; everything else works as on other clusters.
 *
 * ```yaml
 * !LocalCluster
 * name: try
 * factories: 2          # the default
 * folder: ./cluster     # default: ~/.flambeau/local/NAME
 * ```
 */
@registrable('!LocalCluster', {
  keys: 'snake_case',
  twin: true,
  description: 'A cluster on this machine, to try things out',
})
export class LocalCluster extends Cluster.with(LocalClusterOptions) {
  protected override connect(): Members {
    const factories = Array.from({ length: this.options.factories }, (_, index) => `factory-${index + 1}`)
    return {
      orchestrator: this.#member('orchestrator', 'orchestrator'),
      factories: factories.map((name) => this.#member(name, 'factory')),
    }
  }

  /** The folder that contains the folders of the hosts. */
  get folder(): string {
    const { name, folder } = this.options
    return folder === undefined ? join(homedir(), '.flambeau/local', name) : pathOf(this, folder)
  }

  /**
   * Removes the hosts as well: their folders, if they were created for this cluster.
   *
   * @throws `ClusterConfigurationError` when the folder of a host existed before and is not empty, unless `force`.
   */
  override async down(options: Parameters<Cluster['down']>[0] = {}): Promise<void> {
    await super.down(options)
    await this.close()
    const remaining = await this.#removeHosts(options.force ?? false)
    // The user chose the folder, and may keep other files in it.
    await rmdir(this.folder).catch(() => undefined)
    if (remaining.length > 0) throw folderNotCreated(remaining)
  }

  /** Returns the folders of hosts that existed before the cluster. */
  async #removeHosts(force: boolean): Promise<string[]> {
    const own = this.hosts.map(({ name }) => name)
    const names = await readdir(this.folder).catch(() => [])
    const remaining: string[] = []
    for (const name of names.filter((each) => hostName.test(each))) {
      const folder = join(this.folder, name)
      const removal = await removeHostFolder(folder, { force: force && own.includes(name) })
      if (removal === 'not ours' && own.includes(name) && !(await isEmpty(folder))) remaining.push(folder)
    }
    return remaining
  }

  #member(name: string, role: Member['role']): Member {
    const folder = join(this.folder, name)
    const connection = { kind: 'local', name, folder } as const
    return { host: new ManagedLocalHost(name, folder), role, address: '127.0.0.1', connection }
  }
}

async function isEmpty(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length === 0
}

function folderNotCreated(folders: readonly string[]): ClusterConfigurationError {
  const all = folders.map((folder) => `"${folder}"`).join(', ')
  const message = `${all} existed before the cluster, so its other content stays: everything of the cluster was removed from it; add "--force" to remove it as well`
  return new ClusterConfigurationError(message, { code: 'FOLDER_NOT_MADE' })
}
