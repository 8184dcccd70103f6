import type { AgentHost } from '../../../cluster/host/agent-host.js'
import type { RemoteEnvironment } from '../../../cluster/remote-environment.js'
import { type CurrentRun, connectToFactories, currentRun } from '../../../cluster/run/current-run.js'
import { ClusterError, FlambeauError } from '../../../errors.js'
import type { Logger } from '../../../logger.js'
import type { CompleteNeeds } from '../../../runnable/needs.js'
import { serializeAllSecrets } from '../../../runnable/secrets/serialize-secrets.js'
import { mistakeCode } from '../../../util/exit-codes.js'
import { printable } from '../../../util/printable.js'
import type { Ended, Engine, TaskMessage, Watch } from '../../engine.js'
import { completeSetup, type PoolOptions, type PoolParts } from '../../options.js'
import { type BullmqEngine, bullmqEngine } from '../bullmq/engine.js'
import { loadPackages } from '../bullmq/packages.js'
import { blameMemory } from '../bullmq/queue.js'
import { defaultLockMs } from '../bullmq/workers.js'
import type { TaskOutputSink } from '../output-sink.js'
import { HostWorkers, type WorkersListener } from './host-workers.js'
import { openRedis, type PoolRedis, type RedisServer, redisProgram } from './redis-server.js'
import {
  keepOutput,
  programModules,
  remoteExtensions,
  remoteModules,
  resultsFolder,
  workerProgramPath,
  workRequest,
} from './remote-paths.js'

type ClusterPoolOptions = PoolOptions & { readonly env: RemoteEnvironment }

/** What {@link clusterPool} adds to the options of a pool. */
interface ClusterPool extends Pick<PoolParts, 'keepOutput'> {
  /** Absent when tasks run on the orchestrator. */
  readonly engine?: Engine
  readonly poolOptions: PoolOptions
  readonly needs: CompleteNeeds
}

/**
 * Prepares a pool whose tasks run on the workers of a cluster, or on its orchestrator when it has none.
 */
export async function clusterPool(
  options: ClusterPoolOptions,
  surroundings: ClusterPoolSurroundings,
): Promise<ClusterPool> {
  const run = await currentRun()
  const imports = [...(await programModules(run)), ...(options.imports ?? [])]
  const extensions = remoteExtensions(options.extensions ?? {}, run)
  const { workers = run.program.workers } = options
  const variables = { ...run.program.variables, ...options.variables }
  const poolOptions = { ...options, imports, extensions, workers, variables }
  const { needs } = completeSetup(poolOptions)
  const { factoriesIps } = options.env
  // This process has the variables of the run already, but with the GPUs that it has leased.
  if (factoriesIps.length === 0 || (await isAlone(options, run)))
    return { poolOptions: { ...poolOptions, variables: options.variables }, keepOutput, needs }
  const redis = await openRedis(options, run)
  try {
    const engine = await openClusterEngine(poolOptions, { run, redis, ...surroundings })
    return { poolOptions, engine, keepOutput, needs }
  } catch (error) {
    await redis.server?.close()
    throw error
  }
}

// In an allocation of one node, the workers can be processes of the run itself: few nodes have Redis.
async function isAlone({ env, redis }: ClusterPoolOptions, { connections }: CurrentRun): Promise<boolean> {
  if (!connections.isAllocation || env.factoriesIps.length > 1 || redis !== undefined) return false
  const hasQueue = redisProgram() !== undefined && (await loadPackages().then(Boolean, () => false))
  return !hasQueue
}

interface ClusterPoolSurroundings {
  /** Receives what the pool itself logs. */
  readonly logger: Logger
  /** Takes what tasks print on the worker hosts. */
  readonly output: TaskOutputSink
}

interface ClusterParts extends ClusterPoolSurroundings {
  readonly run: CurrentRun
  readonly redis: PoolRedis
}

async function openClusterEngine(
  options: ClusterPoolOptions,
  { run, redis: { address, server }, ...surroundings }: ClusterParts,
): Promise<ClusterEngine> {
  const shared = await workerSettings(options, run)
  const factories = await connectToFactories(options.env)
  const onFolderLost = (task: string, worker: string): void =>
    surroundings.logger.warn(folderLost(task, worker))
  const queue = await bullmqEngine({ ...address, graceMs: shared.graceMs, onFolderLost }).catch(
    async (error) => {
      await Promise.all(factories.map((factory) => factory.close()))
      throw error
    },
  )
  const slots = options.needs === undefined ? options.workers : undefined
  const engine = new ClusterEngine({ queue, redis: server, slots })
  const settings = { ...address, queue: queue.queue, ...shared }
  const redis = { url: address.redis, isOwn: server === undefined }
  const work = workRequest(run)
  const goneMs = goneLocks * (shared.lockMs ?? defaultLockMs)
  const listener = workersListener({ engine, factories, ...surroundings })
  for (const [index, host] of factories.entries()) {
    const program = {
      path: workerProgramPath(run),
      // In an allocation, all nodes share the folders of the tasks: none has to come back.
      settings: {
        ...settings,
        place: `${index}`,
        worker: run.connections.isAllocation ? undefined : host.name,
      },
      redis,
      work,
      goneMs,
    }
    engine.addWorkers(new HostWorkers(host, program, listener))
  }
  return engine
}

/** After the time of so many locks without workers, a host is gone: its tasks begin anew on others. */
const goneLocks = 3

function folderLost(task: string, worker: string): string {
  return printable(
    `Task "${task}" begins anew on another worker host: the workers on "${worker}", which has its folder, are gone`,
  )
}

/** The settings that the workers of all worker hosts have in common. */
async function workerSettings(options: PoolOptions, run: CurrentRun) {
  const { imports, extensions, secrets, crashRetries, graceMs } = completeSetup(options)
  return {
    // Each worker host counts its own processors when it is absent.
    slots: options.workers,
    needs: options.needs,
    variables: options.variables,
    crashRetries,
    graceMs,
    lockMs: options.lockMs,
    imports: await remoteModules(imports, run),
    extensions,
    folder: resultsFolder(run, options.folderId),
    secrets: secrets && serializeAllSecrets(secrets),
    frames: { hasLogs: options.logs ?? false },
  }
}

interface ListenerParts extends ClusterPoolSurroundings {
  readonly engine: ClusterEngine
  readonly factories: readonly AgentHost[]
}

function workersListener({ engine, factories, logger, output }: ListenerParts): WorkersListener {
  const reachability = new Reachability(factories.length, (why) => engine.fail(redisOutOfReach(why)))
  const unfit = new Set<string>()
  return {
    logger,
    onUnfit(factory, message) {
      unfit.add(factory)
      const text = `The workers do not fit on "${factory}": ${message}`
      if (unfit.size < factories.length) logger.warn(text)
      else engine.fail(workersUnfit(text))
      reachability.leaveOut(factory)
    },
    output,
    onReady: (factory) => {
      reachability.onReached()
      engine.setHostGone(factory, false)
    },
    onGone: (factory) => engine.setHostGone(factory, true),
    onMemoryKill: () => engine.setKilledForMemory(),
    onUnreachable: (factory, why) => reachability.onFailed(factory, why),
    onMistake: (message) => engine.fail(workersUnfit(message)),
  }
}

interface ClusterEngineParts {
  readonly queue: BullmqEngine
  /** Absent when the pool uses the Redis of the user. */
  readonly redis: RedisServer | undefined
  /** The worker processes of each worker host; absent when that depends on the host. */
  readonly slots: number | undefined
}

/** A queue and the workers of the worker hosts, all of which end with the pool. */
class ClusterEngine implements Engine {
  readonly capacity: number
  readonly #rejections = new Set<(error: Error) => void>()
  readonly #workers: HostWorkers[] = []
  #error: Error | undefined
  #isKilledForMemory = false

  constructor(readonly parts: ClusterEngineParts) {
    this.capacity = parts.queue.capacity
    parts.redis?.supervise((error) => this.fail(error))
  }

  get slots(): number | undefined {
    const { slots } = this.parts
    return slots === undefined ? undefined : slots * this.#workers.length
  }

  /** Adds workers, which this engine closes. */
  addWorkers(workers: HostWorkers): void {
    this.#workers.push(workers)
  }

  /** Slurm has ended workers for their memory. */
  setKilledForMemory(): void {
    this.#isKilledForMemory = true
  }

  setHostGone(worker: string, isGone: boolean): void {
    this.parts.queue.setHostGone(worker, isGone)
  }

  run(task: TaskMessage, watch: Watch): Promise<Ended> {
    if (this.#error) return Promise.reject(this.#error)
    const { worker } = task
    // A host that is no longer part of the cluster does not come back.
    if (worker !== undefined && !this.#workers.some(({ host }) => host.name === worker))
      this.setHostGone(worker, true)
    return new Promise((resolve, reject) => {
      this.#rejections.add(reject)
      const forget = (): boolean => this.#rejections.delete(reject)
      const explain = (ended: Ended): Ended => (this.#isKilledForMemory ? blameMemory(ended) : ended)
      this.parts.queue.run(task, watch).then(explain).then(resolve, reject).finally(forget)
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
    // Before the queue: they would write into it after its removal.
    await Promise.all(this.#workers.map((workers) => workers.close()))
    if (hasRedis) await queue.close()
    else queue.disconnect()
    await redis?.close()
  }
}

/** How often each worker host may fail to reach Redis: twice directly, and twice through SSH. */
const maxFailures = 4

/** Notices when no worker host has ever reached Redis, and all have tried often enough: then no task would ever run. */
class Reachability {
  readonly #failures = new Map<string, number>()
  readonly #leftOut = new Set<string>()
  #wasReached = false
  #why = ''

  constructor(
    readonly factories: number,
    readonly onOutOfReach: (why: string) => void,
  ) {}

  onReached(): void {
    this.#wasReached = true
  }

  onFailed(factory: string, why: string): void {
    this.#failures.set(factory, (this.#failures.get(factory) ?? 0) + 1)
    this.#why = why
    this.#check()
  }

  /** A host whose workers do not fit tries no more. */
  leaveOut(factory: string): void {
    this.#leftOut.add(factory)
    this.#failures.delete(factory)
    this.#check()
  }

  #check(): void {
    const failures = [...this.#failures.values()]
    const isComplete = failures.length > 0 && failures.length === this.factories - this.#leftOut.size
    const all = isComplete && failures.every((count) => count >= maxFailures)
    if (all && !this.#wasReached) this.onOutOfReach(this.#why)
  }
}

function redisOutOfReach(why: string): ClusterError {
  return new ClusterError(`No worker host reaches Redis: ${why}`, { code: 'REDIS_OUT_OF_REACH' })
}

function workersUnfit(message: string): FlambeauError {
  return new FlambeauError(message, { code: 'WORKERS_UNFIT', exitCode: mistakeCode })
}
