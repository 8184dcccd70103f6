import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { RemoteRun } from '../../cluster/run/remote-run.js'
import type { SubmitOptions } from '../../cluster/run/submit.js'
import { type Preprocessed, SafeExecutionContext } from '../../runnable/context.js'
import type { Outcome } from '../../runnable/outcome.js'
import { pickRunFlags, type RunFlags } from '../../runnable/run-options.js'
import type { AllowFlags, ExtensionFlags, IncludeFlags } from '../options.js'
import { resolveSettings } from '../settings.js'
import {
  type ClusterContext,
  type ClusterSettings,
  logEvent,
  type SendFlags,
  sentFiles,
  useCluster,
} from './cluster-context.js'
import { followAgain, followRun, type ReconnectFlags, reportRunEnd } from './follow.js'

/** The flags of `flambeau run` that apply on a cluster. */
export interface RunOnClusterFlags
  extends AllowFlags,
    ClusterSettings,
    ExtensionFlags,
    IncludeFlags,
    ReconnectFlags,
    RunFlags,
    SendFlags {
  readonly detach?: true
  readonly set?: readonly string[]
}

/** Sends a runnable, starts it and follows its log; Ctrl-C leaves it running. */
export function runOnCluster(file: string, flags: RunOnClusterFlags): Promise<void> {
  return useCluster(flags, async (context) => {
    const prepared = await prepare(file, flags, context)
    if (!prepared.ok) return prepared.exitCode
    const run = await context.cluster.submit(
      prepared.value.runnable,
      await submitOptions(file, flags, context),
    )
    context.logger.info(`Run ${run.id} is started on ${context.cluster.orchestrator.name}`)
    if (!flags.detach) return follow(run, flags, context)
    console.log(run.id)
  })
}

function prepare(
  file: string,
  flags: RunOnClusterFlags,
  { secrets, env, logger, signal }: ClusterContext,
): Promise<Outcome<Preprocessed>> {
  const context = new SafeExecutionContext(file, { ...flags, env })
  const { secretsDialect: dialect, settings: _, ...rest } = flags
  const surroundings = { ...pickRunFlags(flags), logger, signal }
  return context.run(() => context.preprocess({ ...rest, secrets, dialect }), surroundings)
}

async function submitOptions(
  file: string,
  flags: RunOnClusterFlags,
  { logger, signal }: ClusterContext,
): Promise<SubmitOptions> {
  return {
    file: basename(file),
    ...pickRunFlags(flags),
    signal,
    imports: await resolveSettings(flags.settings),
    files: sentFiles(flags),
    onEvent: (event) => logEvent(event, logger),
  }
}

function follow(run: RemoteRun, flags: RunOnClusterFlags, context: ClusterContext): Promise<number> {
  const { logger, signal } = context
  const explain = (): void => logger.info(followAgain(run.id, 'logs'))
  signal.addEventListener('abort', explain, { once: true })
  const followed = followRun({ id: run.id, flags }, context, async (options) => {
    await pipeline(run.logs({ ...options, follow: true }), process.stderr, { end: false })
    return reportRunEnd(await run.wait(options), logger)
  })
  // An interrupt may come while the connections close: the run has ended then.
  return followed.finally(() => signal.removeEventListener('abort', explain))
}
