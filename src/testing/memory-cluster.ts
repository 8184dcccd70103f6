import { Cluster, type ClusterOptions } from '../cluster/cluster.js'
import type { Member, Members } from '../cluster/members.js'
import { type MemoryRecord, memoryHome } from './memory-agent.js'
import { MemoryHost, type MemoryHostOptions } from './memory-host.js'

/** Options of {@link MemoryCluster}; `programs`, `resources` and `registry` apply to each host. */
export interface MemoryClusterOptions extends Partial<ClusterOptions>, Omit<MemoryHostOptions, 'name'> {
  /** The number of workers; default 2. */
  readonly factories?: number
}

/**
 * A cluster without machines, for tests: each host is a {@link MemoryHost}, and submitted runs run in this process.
 *
 * ```ts
 * const cluster = new MemoryCluster({ factories: 1 })
 * await job.setupInjectEnv({ cluster, extensions: {}, force: false })
 * assert.deepEqual(cluster.records, [
 *   { host: 'orchestrator', kind: 'ran', argv: ['sh', '-c', 'pip install torch'] },
 *   { host: 'factory-1', kind: 'ran', argv: ['sh', '-c', 'pip install torch'] },
 * ])
 * ```
 *
 * Everything above the hosts is the code of every cluster. `submit` sends the runnable as text, which is loaded and run as
 * on the orchestrator, with the secrets that may be sent; `wait` returns the result. Shell commands are recorded and
 * succeed, unless `programs` has a `sh`. There are no processes: for a pool on a cluster, use a `LocalCluster`.
 */
export class MemoryCluster extends Cluster {
  readonly options: ClusterOptions
  readonly #options: MemoryClusterOptions

  constructor(options: MemoryClusterOptions = {}) {
    super()
    const { name = 'memory', setupCmds, secrets, workers, env } = options
    this.options = { name, setupCmds, secrets, workers, env }
    this.#options = options
  }

  override get orchestrator(): MemoryHost {
    return super.orchestrator as MemoryHost
  }

  override get factories(): readonly MemoryHost[] {
    return super.factories as readonly MemoryHost[]
  }

  override get hosts(): readonly MemoryHost[] {
    return [this.orchestrator, ...this.factories]
  }

  /** Everything that was run, sent and started on each host, the orchestrator first. */
  get records(): readonly (MemoryRecord & { readonly host: string })[] {
    return this.hosts.flatMap(({ name, records }) => records.map((record) => ({ host: name, ...record })))
  }

  protected override connect(): Members {
    const count = this.#options.factories ?? 2
    return {
      orchestrator: this.#member('orchestrator', 'orchestrator'),
      factories: Array.from({ length: count }, (_, index) => this.#member(`factory-${index + 1}`, 'factory')),
    }
  }

  #member(name: string, role: Member['role']): Member {
    const host = new MemoryHost({ ...this.#options, name })
    return { host, role, address: name, connection: { kind: 'local', name, folder: memoryHome } }
  }
}
