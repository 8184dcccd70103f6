import { basename } from 'node:path'
import type { RemoteRun } from '../../cluster/run/remote-run.js'
import type { SubmitOptions } from '../../cluster/run/submit.js'
import { type Preprocessed, SafeExecutionContext } from '../../runnable/context.js'
import type { Outcome } from '../../runnable/outcome.js'
import { pickRunFlags, type RunFlags } from '../../runnable/run-options.js'
import type { FileInput } from '../input.js'
import type { AllowFlags, ExtensionFlags, IncludeFlags, SendFlags } from '../options.js'
import { copyToStandardError } from '../output.js'
import type { RunReporter } from '../run-reporter.js'
import { resolveSettings } from '../settings.js'
import {
  type ClusterContext,
  type ClusterSettings,
  logEvent,
  sentFiles,
  useCluster,
} from './cluster-context.js'
import { followAgain, followRun, type ReconnectFlags, reportRunEnd, withoutProgress } from './follow.js'

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
export function runOnCluster(
  file: FileInput,
  flags: RunOnClusterFlags,
  reporter: RunReporter,
): Promise<void> {
  const body = async (context: ClusterContext): Promise<number | undefined> => {
    const prepared = await prepare(file, flags, context)
    if (!prepared.ok) {
      reporter.onFailure(prepared.error)
      return prepared.exitCode
    }
    const run = await context.cluster.submit(
      prepared.value.runnable,
      await submitOptions(file.path, flags, context),
    )
    context.logger.info(`Run ${run.id} is started on ${context.cluster.orchestrator.name}`)
    reporter.onStart(run.id)
    if (!flags.detach) return follow(run, { flags, reporter }, context)
    console.log(run.id)
    return 0
  }
  return useCluster(flags, body, reporter.onFailure.bind(reporter))
}

function prepare(
  { path, ...given }: FileInput,
  flags: RunOnClusterFlags,
  { secrets, env, logger, signal }: ClusterContext,
): Promise<Outcome<Preprocessed>> {
  const context = new SafeExecutionContext(path, { ...flags, ...given, env })
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
    ...sentFiles(flags),
    onEvent: (event) => logEvent(event, logger),
  }
}

function follow(
  run: RemoteRun,
  { flags, reporter }: { flags: RunOnClusterFlags; reporter: RunReporter },
  context: ClusterContext,
): Promise<number> {
  const { logger, signal } = context
  const explain = (): void => logger.info(followAgain(run.id, 'logs'))
  signal.addEventListener('abort', explain, { once: true })
  const followed = followRun({ id: run.id, flags }, context, async (options) => {
    const log = run.logs({ ...options, follow: true })
    await copyToStandardError(flags.quiet ? withoutProgress(log) : log)
    return reportRunEnd(await run.wait(options), logger, reporter)
  })
  // An interrupt may come while the connections close: the run has ended then.
  return followed.finally(() => signal.removeEventListener('abort', explain))
}
