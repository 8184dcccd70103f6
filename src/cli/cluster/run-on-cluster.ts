import { basename } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunState } from '../../cluster/protocol/messages.js'
import { isConnectionLoss, type ReconnectOptions } from '../../cluster/run/reconnect.js'
import type { RemoteRun, RunEnd } from '../../cluster/run/remote-run.js'
import type { SubmitOptions } from '../../cluster/run/submit.js'
import type { RecordedCluster } from '../../records/record.js'
import type { Recording } from '../../records/recording.js'
import { newRunId } from '../../records/run-id.js'
import { type ContextOptions, type Preprocessed, SafeExecutionContext } from '../../runnable/context.js'
import { failedOutcome, type Outcome } from '../../runnable/outcome.js'
import { progressListener } from '../../runnable/progress/progress.js'
import { RunEvents } from '../../runnable/run-events.js'
import { pickRunFlags, type RunFlags } from '../../runnable/run-options.js'
import { flushSpans, withSpan } from '../../tracing/tracing.js'
import { absolutePath } from '../../util/paths.js'
import { codeOf } from '../../util/thrown.js'
import type { FileInput } from '../input.js'
import type {
  AllowFlags,
  ExtensionFlags,
  IncludeFlags,
  NeedsFlags,
  ReconnectFlags,
  SendFlags,
} from '../options.js'
import { copyToStandardError } from '../output.js'
import { type RecordFlags, recordingOf } from '../record-run.js'
import type { RunReporter } from '../run-reporter.js'
import { resolveSettings } from '../settings.js'
import {
  type ClusterContext,
  type ClusterSettings,
  logEvent,
  sentFiles,
  useCluster,
} from './cluster-context.js'
import { endEvent, followAgain, followRun, reportRunEnd, withoutProgress } from './follow.js'
import { lockRecord } from './sync-record.js'

/** The flags of `flambeau run` that apply on a cluster. */
export interface RunOnClusterFlags
  extends AllowFlags,
    ClusterSettings,
    ExtensionFlags,
    IncludeFlags,
    NeedsFlags,
    ReconnectFlags,
    RecordFlags,
    RunFlags,
    SendFlags {
  readonly detach?: true
  readonly queue?: true
  readonly set?: readonly string[]
}

/** Sends a runnable, starts or queues it, and follows its log; Ctrl-C leaves it there. */
export function runOnCluster(
  file: FileInput,
  flags: RunOnClusterFlags,
  reporter: RunReporter,
): Promise<void> {
  const body = async (context: ClusterContext): Promise<number | undefined> => {
    const imports = await resolveSettings(flags.settings)
    const { settings } = flags
    const cluster = recordedCluster(flags, context)
    const recording = await recordingOf({ ...context, input: file, flags, settings, imports, cluster })
    const listeners = [reporter.onEvent, progressListener(context.logger)]
    const targets = { listeners, recording, cluster: cluster.name }
    const events = new RunEvents(file.path, targets)
    const submission: Submission = { askedId: undefined }
    const started = { file, flags, reporter, recording, events, submission }
    try {
      const attributes = { 'flambeau.file': file.path, 'flambeau.cluster': cluster.name }
      return await withSpan('flambeau.submit', { attributes }, () =>
        submitAndFollow({ ...started, imports }, context),
      )
    } catch (error) {
      // Once it is started, it goes on, whatever happens here; a later command brings the record up to date.
      const { askedId } = submission
      const mayStart = askedId !== undefined && isUnanswered(error, context)
      if (!events.hasStarted && mayStart) leaveRun(askedId, recording, context)
      else if (!events.hasStarted) events.end(failedOutcome(error, context.signal))
      throw error
    } finally {
      await recording?.close()
      await flushSpans()
    }
  }
  return useCluster(flags, body, reporter.onFailure.bind(reporter))
}

/** Whether a request was sent and has no answer, so that the host may have done what it was asked for. */
function isUnanswered(error: unknown, { signal }: ClusterContext): boolean {
  return signal.aborted || isConnectionLoss(error) || codeOf(error) === 'HOST_BAD_ANSWER'
}

// A later command ends the record, if the cluster does not have the run.
function leaveRun(id: string, recording: Recording | undefined, { logger }: ClusterContext): void {
  recording?.onSubmitted({ isQueued: true })
  logger.warn(`Run ${id} was sent, and may start: nothing has confirmed it yet`)
  logger.info(followAgain(id, 'logs'))
}

/** A run on a cluster, and where what it does goes. */
interface StartedRun {
  readonly submission: Submission
  readonly file: FileInput
  readonly flags: RunOnClusterFlags
  readonly reporter: RunReporter
  readonly recording: Recording | undefined
  readonly events: RunEvents
}

/** The request to start a run. */
interface Submission {
  /** The id of the run, once the request was sent. */
  askedId: string | undefined
}

function recordedCluster({ cluster: file }: RunOnClusterFlags, { cluster }: ClusterContext): RecordedCluster {
  return { name: cluster.name, file: absolutePath(file), orchestrator: cluster.orchestrator.name }
}

async function submitAndFollow(
  started: StartedRun & { readonly imports: readonly string[] },
  context: ClusterContext,
): Promise<number> {
  const { file, flags, reporter, recording, events, imports, submission } = started
  const prepared = await prepare(file, { ...flags, recording, onRedactor: events.useRedactor }, context)
  if (!prepared.ok) {
    reporter.onFailure(prepared.error)
    events.end(prepared)
    return prepared.exitCode
  }
  // Before the run exists: another command that is given its id leaves its record alone.
  const lock = recording?.folder === undefined ? undefined : await lockRecord(recording.folder, lockMs)
  try {
    const id = recording?.id ?? newRunId()
    const onAsk = (): void => {
      submission.askedId = id
    }
    const options = { ...submitOptions(file.path, flags, context), imports, id, onAsk }
    const run = await context.cluster.submit(prepared.value.runnable, options)
    // First: who reads the message may look at the record.
    recording?.onSubmitted({ isQueued: mayWait(run), waitsFor: run.waitsFor })
    context.logger.info(describeStart(run, context))
    events.start(run.id)
    reporter.onStart(run.id)
    if (!flags.detach) return await follow(run, started, context)
    console.log(run.id)
    return 0
  } finally {
    await lock?.release()
  }
}

/** Whether a run begins later than it is submitted. */
function mayWait({ waitsFor, job }: RemoteRun): boolean {
  return waitsFor !== undefined || job !== undefined
}

function describeStart({ id, waitsFor, job }: RemoteRun, { cluster }: ClusterContext): string {
  const where = `on ${cluster.orchestrator.name}`
  if (job !== undefined) return `Run ${id} is submitted ${where} as job ${job} of Slurm`
  return waitsFor === undefined
    ? `Run ${id} is started ${where}`
    : `Run ${id} is queued behind ${waitsFor} ${where}`
}

/** Another command has the lock of a new record for a moment at most. */
const lockMs = 10_000

function prepare(
  { path, ...given }: FileInput,
  flags: RunOnClusterFlags & Pick<ContextOptions, 'recording' | 'onRedactor'>,
  { secrets, env, logger, signal }: ClusterContext,
): Promise<Outcome<Preprocessed>> {
  const context = new SafeExecutionContext(path, { ...flags, ...given, env })
  const { secretsDialect: dialect, settings: _, ...rest } = flags
  const surroundings = { ...pickRunFlags(flags), logger, signal }
  return context.run(() => context.preprocess({ ...rest, secrets, dialect }), surroundings)
}

function submitOptions(
  file: string,
  flags: RunOnClusterFlags,
  { logger, signal }: ClusterContext,
): SubmitOptions {
  return {
    file: basename(file),
    ...pickRunFlags(flags),
    queue: flags.queue ?? false,
    needs: flags.needs,
    signal,
    ...sentFiles(flags),
    onEvent: (event) => logEvent(event, logger),
  }
}

async function follow(
  run: RemoteRun,
  { flags, reporter, recording, events }: StartedRun,
  context: ClusterContext,
): Promise<number> {
  const { logger, signal } = context
  let isQueued = mayWait(run)
  const explain = (): void => {
    if (isQueued) logger.info(`Run ${run.id} stays in the queue`)
    logger.info(followAgain(run.id, 'logs'))
  }
  const onBegin = (): void => {
    if (!isQueued) return
    logger.info(`Run ${run.id} is started on ${context.cluster.orchestrator.name}`)
    recording?.onSubmitted({ isQueued: false })
    isQueued = false
  }
  signal.addEventListener('abort', explain, { once: true })
  const watch = new AbortController()
  const followed = followRun({ id: run.id, flags }, context, async (options) => {
    const log = withListeners(run.logs({ ...options, follow: true }), [
      onBegin,
      (chunk) => recording?.onRemoteLog(chunk),
    ])
    // It may print nothing.
    if (isQueued) void untilBegun(run, watch.signal).then(onBegin, () => undefined)
    await Promise.all([
      copyToStandardError(flags.quiet ? withoutProgress(log) : log),
      copyEvents(run, options, events),
    ])
    const end = await run.wait(options)
    return reportRunEnd(end, logger, withEnd(reporter, end, events))
  })
  // An interrupt may come while the connections close: the run has ended then.
  return followed.finally(() => {
    watch.abort()
    signal.removeEventListener('abort', explain)
  })
}

/** How often a queued run is asked whether it has begun. */
const pauseMs = 500

async function untilBegun(run: RemoteRun, signal: AbortSignal): Promise<void> {
  for (let state: RunState = 'queued'; state !== 'running'; state = (await run.status()).state)
    await delay(pauseMs, undefined, { signal })
}

async function* withListeners(
  log: AsyncIterable<Uint8Array>,
  listeners: readonly ((chunk: Uint8Array) => void)[],
): AsyncGenerator<Uint8Array> {
  for await (const chunk of log) {
    for (const listener of listeners) listener(chunk)
    yield chunk
  }
}

async function copyEvents(run: RemoteRun, options: ReconnectOptions, events: RunEvents): Promise<void> {
  for await (const event of run.events({ ...options, follow: true })) events.emit(event)
}

/** A reporter that passes the end of a run on as an event, too. */
function withEnd(reporter: RunReporter, end: RunEnd, events: RunEvents): RunReporter {
  return {
    onStart: (id) => reporter.onStart(id),
    onResult(value) {
      reporter.onResult(value)
      events.emit(endEvent(end))
    },
    onFailure(error) {
      reporter.onFailure(error)
      events.emit(endEvent(end))
    },
  }
}
