import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { RemoteRun } from '../../cluster/run/remote-run.js'
import { SafeExecutionContext } from '../../runnable/context.js'
import { pickRunFlags, type RunFlags } from '../../runnable/run-options.js'
import { resolveModule } from '../import-modules.js'
import type { AllowFlags, ExtensionFlags } from '../options.js'
import { type ClusterContext, type ClusterFlags, logEvent, useCluster } from './cluster-context.js'
import { followRun, type ReconnectFlags, reportRunEnd } from './follow.js'

/** The flags of `flambeau run` that apply on a cluster. */
export interface RunOnClusterFlags
  extends AllowFlags,
    ClusterFlags,
    ExtensionFlags,
    ReconnectFlags,
    RunFlags {
  readonly detach?: true
}

/** Sends a runnable, starts it and follows its log; Ctrl-C leaves it running. */
export function runOnCluster(file: string, flags: RunOnClusterFlags): Promise<void> {
  return useCluster(flags, async (context) => {
    const run = await start(file, flags, context)
    context.logger.info(`Run ${run.id} is started on ${context.cluster.orchestrator.name}`)
    if (!flags.detach) return follow(run, flags, context)
    console.log(run.id)
  })
}

async function start(
  file: string,
  flags: RunOnClusterFlags,
  { cluster, logger, signal }: ClusterContext,
): Promise<RemoteRun> {
  const context = new SafeExecutionContext(file, { allow: flags.allow })
  const { secretsDialect: dialect, import: modules, ...rest } = flags
  const { runnable } = await context.preprocess({ ...rest, dialect })
  return cluster.submit(runnable, {
    file: basename(file),
    ...pickRunFlags(flags),
    signal,
    imports: await Promise.all(modules.map(resolveModule)),
    onEvent: (event) => logEvent(event, logger),
  })
}

function follow(run: RemoteRun, flags: RunOnClusterFlags, context: ClusterContext): Promise<number> {
  const { logger, signal } = context
  const file = flags.cluster
  const explain = (): void => logger.info(`Follow it again with "flambeau logs ${run.id} -f -c ${file}"`)
  signal.addEventListener('abort', explain, { once: true })
  return followRun({ id: run.id, file, flags }, context, async (options) => {
    await pipeline(run.logs({ ...options, follow: true }), process.stderr, { end: false })
    return reportRunEnd(await run.wait(options), logger)
  })
}
