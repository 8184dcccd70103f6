import type { RemoteEnvironment } from '../../cluster/remote-environment.js'
import { type CurrentRun, currentRun } from '../../cluster/run/current-run.js'
import { connectToFactories } from '../../cluster/run/factories.js'
import { StderrLogger } from '../../runnable/logger.js'
import { bullmqEngine } from '../bullmq/bullmq-engine.js'
import type { PoolOptions } from '../pool-options.js'
import { ClusterEngine, workersUnfit } from './cluster-engine.js'
import { FactoryWorkers, type WorkersListener } from './factory-workers.js'
import { RedisServer } from './redis-server.js'
import { modulesOf, shippedExtensions, workerProgram } from './shipped.js'
import { settingsOf } from './worker-settings.js'

type OnCluster = PoolOptions & { readonly env: RemoteEnvironment }

/** Options of a pool whose tasks the factories of a cluster do; where it has none, its orchestrator does them. */
export async function onCluster(options: OnCluster): Promise<PoolOptions> {
  const run = await currentRun()
  const imports = [...(await modulesOf(run)), ...(options.imports ?? [])]
  const extensions = shippedExtensions(options.extensions ?? {}, run)
  const shipped = { ...options, imports, extensions }
  if (options.env.factoriesIps.length === 0) return shipped
  const redis = options.redis === undefined ? await RedisServer.start(options.env, run) : undefined
  try {
    return { ...shipped, engine: await openEngine(shipped, run, redis) }
  } catch (error) {
    await redis?.close()
    throw error
  }
}

async function openEngine(
  options: OnCluster,
  run: CurrentRun,
  redis: RedisServer | undefined,
): Promise<ClusterEngine> {
  const { env, graceMs, redis: url = redis!.url } = options
  const factories = await connectToFactories(env)
  const queue = await bullmqEngine({ redis: url, ...(graceMs === undefined ? {} : { graceMs }) })
  const engine = new ClusterEngine({ queue, redis })
  const settings = await settingsOf(options, run, { redis: url, queue: queue.queue })
  const listener = listenerOf(engine, options)
  for (const [index, host] of factories.entries()) {
    const program = { path: workerProgram(run), settings: JSON.stringify({ ...settings, place: `${index}` }) }
    engine.join(new FactoryWorkers(host, program, listener))
  }
  return engine
}

function listenerOf(engine: ClusterEngine, { logger = new StderrLogger() }: PoolOptions): WorkersListener {
  return { logger, onMistake: (message) => engine.fail(workersUnfit(message)) }
}
