import type { AgentHost } from '../../cluster/host/agent-host.js'
import type { RemoteEnvironment } from '../../cluster/remote-environment.js'
import { type CurrentRun, currentRun } from '../../cluster/run/current-run.js'
import { connectToFactories } from '../../cluster/run/factories.js'
import { StderrLogger } from '../../runnable/logger.js'
import { bullmqEngine } from '../bullmq/bullmq-engine.js'
import type { PoolSetting } from '../pool.js'
import type { PoolOptions } from '../pool-options.js'
import { ClusterEngine, outOfReach, workersUnfit } from './cluster-engine.js'
import { FactoryWorkers, type WorkersListener } from './factory-workers.js'
import { keepOutput } from './keep-output.js'
import { openRedis, type PoolRedis } from './pool-redis.js'
import { Reach } from './reach.js'
import { modulesOf, shippedExtensions, workerProgram } from './shipped.js'
import { settingsOf } from './worker-settings.js'

type OnCluster = PoolOptions & { readonly env: RemoteEnvironment }

/** Options of a pool whose tasks the factories of a cluster do; where it has none, its orchestrator does them. */
export async function onCluster(options: OnCluster): Promise<PoolOptions & Pick<PoolSetting, 'keepOutput'>> {
  const run = await currentRun()
  const imports = [...(await modulesOf(run)), ...(options.imports ?? [])]
  const extensions = shippedExtensions(options.extensions ?? {}, run)
  const shipped = { ...options, imports, extensions, keepOutput }
  if (options.env.factoriesIps.length === 0) return shipped
  const redis = await openRedis(options, run)
  try {
    return { ...shipped, engine: await openEngine(shipped, run, redis) }
  } catch (error) {
    await redis.server?.close()
    throw error
  }
}

async function openEngine(options: OnCluster, run: CurrentRun, redis: PoolRedis): Promise<ClusterEngine> {
  const { env, graceMs } = options
  const { address, server } = redis
  const factories = await connectToFactories(env)
  const queue = await bullmqEngine({ ...address, ...(graceMs === undefined ? {} : { graceMs }) })
  const engine = new ClusterEngine({ queue, redis: server })
  const settings = await settingsOf(options, run, { ...address, queue: queue.queue })
  const place = { url: address.redis, own: server === undefined }
  const listener = listenerOf(engine, factories, options)
  for (const [index, host] of factories.entries()) {
    const program = { path: workerProgram(run), settings: { ...settings, place: `${index}` }, redis: place }
    engine.join(new FactoryWorkers(host, program, listener))
  }
  return engine
}

function listenerOf(
  engine: ClusterEngine,
  { length }: readonly AgentHost[],
  { logger = new StderrLogger() }: PoolOptions,
): WorkersListener {
  const reach = new Reach(length, (why) => engine.fail(outOfReach(why)))
  return {
    logger,
    onReady: () => reach.reached(),
    onUnreachable: (factory, why) => reach.failed(factory, why),
    onMistake: (message) => engine.fail(workersUnfit(message)),
  }
}
