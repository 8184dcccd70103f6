import type { AgentHost } from '../../../cluster/host/agent-host.js'
import type { RemoteEnvironment } from '../../../cluster/remote-environment.js'
import { type CurrentRun, connectToFactories, currentRun } from '../../../cluster/run/current-run.js'
import { ClusterError, FlambeauError } from '../../../errors.js'
import { StderrLogger } from '../../../runnable/logger.js'
import { serializeAllSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import { mistakeCode } from '../../../util/exit-codes.js'
import type { Ended, Engine, TaskMessage, Watch } from '../../engine.js'
import { moduleUrls } from '../../import-modules.js'
import type { PoolOptions } from '../../options.js'
import type { PoolParts } from '../../pool.js'
import { type BullmqEngine, bullmqEngine } from '../bullmq/engine.js'
import type { WorkerProgramSettings } from '../bullmq/worker-main.js'
import { HostWorkers, type WorkersListener } from './host-workers.js'
import { openRedis, type PoolRedis, type RedisServer } from './redis-server.js'
import {
  keepOutput,
  programModules,
  remoteExtensions,
  remoteModules,
  resultsFolder,
  workerProgramPath,
} from './remote-paths.js'

type ClusterPoolOptions = PoolOptions & { readonly env: RemoteEnvironment }

/** Options of a pool whose tasks the factories of a cluster do; where it has none, its orchestrator does them. */
export async function clusterPoolOptions(
  options: ClusterPoolOptions,
): Promise<PoolOptions & Pick<PoolParts, 'keepOutput'>> {
  const run = await currentRun()
  const imports = [...(await programModules(run)), ...(options.imports ?? [])]
  const extensions = remoteExtensions(options.extensions ?? {}, run)
  const shipped = { ...options, imports, extensions, keepOutput }
  if (options.env.factoriesIps.length === 0) return shipped
  const redis = await openRedis(options, run)
  try {
    return { ...shipped, engine: await openClusterEngine(shipped, run, redis) }
  } catch (error) {
    await redis.server?.close()
    throw error
  }
}

async function openClusterEngine(
  options: ClusterPoolOptions,
  run: CurrentRun,
  redis: PoolRedis,
): Promise<ClusterEngine> {
  const { env, graceMs } = options
  const { address, server } = redis
  const factories = await connectToFactories(env)
  const queue = await bullmqEngine({ ...address, ...(graceMs === undefined ? {} : { graceMs }) })
  const engine = new ClusterEngine({ queue, redis: server })
  const settings = await workerSettings(options, run, { ...address, queue: queue.queue })
  const place = { url: address.redis, own: server === undefined }
  const listener = workersListener(engine, factories, options)
  for (const [index, host] of factories.entries()) {
    const program = {
      path: workerProgramPath(run),
      settings: { ...settings, place: `${index}` },
      redis: place,
    }
    engine.addWorkers(new HostWorkers(host, program, listener))
  }
  return engine
}

function workersListener(
  engine: ClusterEngine,
  { length }: readonly AgentHost[],
  { logger = new StderrLogger() }: PoolOptions,
): WorkersListener {
  const reach = new Reachability(length, (why) => engine.fail(noneReachesRedis(why)))
  return {
    logger,
    onReady: () => reach.reached(),
    onUnreachable: (factory, why) => reach.failed(factory, why),
    onMistake: (message) => engine.fail(workersUnfit(message)),
  }
}

/** What a {@link ClusterEngine} is made of. */
interface ClusterEngineParts {
  readonly queue: BullmqEngine
  /** Absent when the user has one. */
  readonly redis: RedisServer | undefined
}

/** A queue with the workers of the factories that take from it; all of it ends with the pool. */
class ClusterEngine implements Engine {
  readonly capacity: number
  readonly #rejections = new Set<(error: Error) => void>()
  readonly #workers: HostWorkers[] = []
  #error: Error | undefined

  constructor(readonly parts: ClusterEngineParts) {
    this.capacity = parts.queue.capacity
    parts.redis?.supervise((error) => this.fail(error))
  }

  /** Lets workers take part, which end with this. */
  addWorkers(workers: HostWorkers): void {
    this.#workers.push(workers)
  }

  run(task: TaskMessage, watch: Watch): Promise<Ended> {
    if (this.#error) return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#rejections.add(reject)
      const forget = (): boolean => this.#rejections.delete(reject)
      this.parts.queue.run(task, watch).then(resolve, reject).finally(forget)
    })
  }

  /** From now on no task can be run here. */
  fail(error: Error): void {
    this.#error ??= error
    for (const reject of this.#rejections) reject(this.#error)
  }

  async close(): Promise<void> {
    const { queue, redis } = this.parts
    // Without Redis, the queue would wait for it.
    const hasRedis = !redis || !this.#error
    if (hasRedis) await queue.cancelAll()
    // Before the queue: they would write into one that was taken away.
    await Promise.all(this.#workers.map((each) => each.close()))
    if (hasRedis) await queue.close()
    await redis?.close()
  }
}

/** What leaves a pool without workers: no factory reaches Redis. */
function noneReachesRedis(why: string): ClusterError {
  return new ClusterError(`No factory reaches Redis: ${why}`, { code: 'REDIS_OUT_OF_REACH' })
}

/** What keeps workers from being started anywhere. */
function workersUnfit(message: string): FlambeauError {
  return new FlambeauError(message, { code: 'WORKERS_UNFIT', exitCode: mistakeCode })
}

/** How often each factory may fail to reach Redis: twice straight, and twice through SSH. */
const maxFailures = 4

/** Knows whether any factory ever reached Redis: when none did, and all have tried enough, nobody will do the tasks. */
class Reachability {
  readonly #failures = new Map<string, number>()
  #reached = false

  constructor(
    readonly factories: number,
    readonly onNone: (why: string) => void,
  ) {}

  reached(): void {
    this.#reached = true
  }

  failed(factory: string, why: string): void {
    this.#failures.set(factory, (this.#failures.get(factory) ?? 0) + 1)
    const failures = [...this.#failures.values()]
    const all = failures.length === this.factories && failures.every((count) => count >= maxFailures)
    if (all && !this.#reached) this.onNone(why)
  }
}

/** Where workers find their tasks. */
type QueueAddress = Pick<WorkerProgramSettings, 'queue' | 'ca'>

/** What the workers of every factory are told, but for their place and their way to Redis. */
async function workerSettings(
  options: PoolOptions,
  run: CurrentRun,
  queue: QueueAddress,
): Promise<Omit<WorkerProgramSettings, 'redis'>> {
  const { workers: slots, crashRetries, graceMs, lockMs, extensions = {}, secrets } = options
  const given = Object.entries({ slots, crashRetries, graceMs, lockMs }).filter(
    ([, value]) => value !== undefined,
  )
  return {
    ...queue,
    ...Object.fromEntries(given),
    imports: await remoteModules(moduleUrls(options.imports ?? []), run),
    extensions,
    folder: resultsFolder(run),
    ...(secrets && { secrets: serializeAllSecrets(secrets) }),
  }
}
