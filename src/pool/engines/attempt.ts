import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { format } from 'node:util'
import type { Logger } from '../../logger.js'
import { importModules } from '../../modules/import-modules.js'
import { currentRegistry } from '../../registry/default-registry.js'
import { SafeExecutionContext } from '../../runnable/context.js'
import { type PreparedExtensions, prepareExtensions } from '../../runnable/import-extensions.js'
import { maskData, type Redact, redactorFor } from '../../runnable/secrets/mask.js'
import { flushSpans, isTraced, withSpan } from '../../tracing/tracing.js'
import { jsonCopy } from '../../util/json.js'
import { explainNotSent } from '../../util/not-sent.js'
import type { CancelListener, Cancellation } from '../cancellation.js'
import type {
  Ended,
  EndReason,
  FailedAttempt,
  LogLevel,
  PackedError,
  TaskMessage,
  TaskNews,
  Watch,
  WorkerSetup,
} from '../engine.js'
import { OwnPaths } from '../own-paths.js'
import { packError, packResult, redactError } from '../serialize.js'

/** The name of this machine in results and errors. */
export const thisHost = hostname()

/** A worker that has imported the modules and extensions of its tasks. */
export interface PreparedWorker extends Pick<WorkerSetup, 'folder' | 'secrets'> {
  readonly extensions: PreparedExtensions
  /** The property `folder` of the options of its tasks. */
  readonly ownFolder: PropertyDescriptor
}

/**
 * Imports the modules and the extensions of a worker.
 *
 * @throws {@link ResourceError} that names the module that does not exist.
 * @throws {@link ExtensionError} with every extension that cannot be imported.
 */
export async function prepareWorker(setup: WorkerSetup): Promise<PreparedWorker> {
  const { imports, folder, secrets, registry = currentRegistry() } = setup
  await importModules(imports, { from: process.cwd(), option: 'imports' })
  const extensions = await prepareExtensions(setup.extensions, registry)
  return { folder, extensions, secrets, ownFolder: ownFolderBelow(resolve(folder)) }
}

/** Runs one attempt in this process, within a span. An error that the task throws is in the result. */
export function runAttempt(task: TaskMessage, worker: PreparedWorker, watch: Watch): Promise<Ended> {
  return isTraced() ? tracedAttempt(task, worker, watch) : attemptTask(task, worker, watch)
}

async function tracedAttempt(task: TaskMessage, worker: PreparedWorker, watch: Watch): Promise<Ended> {
  const attributes = { 'flambeau.task.id': task.id, 'flambeau.attempt': task.attempt }
  const ended = await withSpan('flambeau.attempt', { attributes, parent: task.trace }, async (span) => {
    const attempt = await attemptTask(task, worker, watch)
    if (!attempt.ok) span.fail(attempt.error)
    return attempt
  })
  // A worker may end at any time after the result.
  await flushSpans()
  return ended
}

async function attemptTask(task: TaskMessage, worker: PreparedWorker, watch: Watch): Promise<Ended> {
  // Events are masked here, before an engine sends or keeps them.
  const redact = redactorFor(worker.secrets)
  const onNews = (news: TaskNews): void => watch.onNews(worker.secrets ? maskNews(news, redact) : news)
  const context = new SafeExecutionContext(
    { content: task.text, filename: `task ${task.id}` },
    { preparedExtensions: worker.extensions },
  )
  try {
    const value = await runTask(task, worker, { context, signal: watch.signal, onNews })
    const packed = packResult(value, task.id, worker.folder)
    return { ok: true, result: packed instanceof Promise ? await packed : packed, host: thisHost }
  } catch (thrown) {
    return failedAttempt('failed', redactError(withHint(packError(thrown), thrown), redact))
  } finally {
    await context[Symbol.asyncDispose]()
  }
}

function withHint(packed: PackedError, thrown: unknown): PackedError {
  const hint = explainNotSent(thrown)
  return hint === undefined ? packed : { ...packed, message: `${packed.message}; ${hint}` }
}

function maskNews(news: TaskNews, redact: Redact): TaskNews {
  if (news.type === 'log') return { ...news, text: redact(news.text) }
  return news.type === 'progress' ? { ...news, value: maskData(news.value, redact) } : news
}

async function runTask(
  task: TaskMessage,
  { secrets, ownFolder }: PreparedWorker,
  { context, signal, onNews }: Watch & { readonly context: SafeExecutionContext },
): Promise<unknown> {
  const { id, attempt, seed, resume } = task
  const logger = newsLogger(onNews)
  const { runnable } = await context.preprocess({ secrets, signal, logger })
  const progress = (value: unknown): void => {
    // A value that JSON cannot hold must fail here, in the task, and not where it is sent. A copy, since the task may change it
    // before it is sent.
    onNews({ type: 'progress', value: jsonCopy(value) })
  }
  // Without a spread, which takes as long as the rest of a short task.
  const options = {
    force: false,
    verbose: false,
    debug: false,
    signal,
    logger,
    progress,
    seed,
    taskId: id,
    attempt,
  }
  if (resume) Object.assign(options, { resume })
  Object.defineProperty(options, message, { value: task })
  return runnable.run(Object.defineProperty(options, 'folder', ownFolder))
}

/** The message of a task in its options, where nobody sees it. */
const message = Symbol('message')

/** The property `folder` of the options of tasks. The folder is made on demand, as most tasks need none. */
function ownFolderBelow(folder: string): PropertyDescriptor {
  const paths = new OwnPaths(join(folder, 'tasks'))
  const get = function (this: { readonly [message]: TaskMessage }): string {
    const path = paths.of(this[message])
    mkdirSync(path, { recursive: true })
    return path
  }
  return { get, enumerable: true, configurable: true }
}

function newsLogger(onNews: Watch['onNews']): Logger {
  const log =
    (level: LogLevel) =>
    (...message: unknown[]): void =>
      onNews({ type: 'log', level, text: format(...message) })
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

/** An attempt that ended without a result. */
export function failedAttempt(reason: EndReason, error: PackedError): FailedAttempt {
  return { ok: false, reason, error, host: thisHost }
}

/** An attempt that something other than the task ended. */
export function interruptedAttempt(reason: Exclude<EndReason, 'failed'>, message: string): FailedAttempt {
  return failedAttempt(reason, { name: 'Error', message, stack: message })
}

/** An attempt that was cancelled. */
export function cancelledAttempt(): FailedAttempt {
  return interruptedAttempt('cancelled', 'was cancelled')
}

/** A timer for longer than this, 24 days, would fire at once. */
const maxTimerMs = 2 ** 31 - 1

/** Interrupts an attempt when it is cancelled or takes too long, whichever comes first. */
export class Deadline implements CancelListener {
  #reason: 'timeout' | 'cancelled' | undefined
  readonly #timer: NodeJS.Timeout | undefined

  constructor(
    readonly timeoutMs: number | undefined,
    readonly cancellation: Cancellation,
    readonly onInterrupt: () => void,
  ) {
    // JSON turns Infinity into null.
    if (typeof timeoutMs === 'number' && timeoutMs <= maxTimerMs)
      this.#timer = setTimeout(() => this.#interrupt('timeout'), timeoutMs)
    if (cancellation.isCancelled) this.onCancelled()
    else cancellation.add(this)
  }

  onCancelled(): void {
    this.#interrupt('cancelled')
  }

  clear(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.cancellation.delete(this)
  }

  /** Blames a failure after the interruption on the interruption. */
  explain(attempt: Ended): Ended {
    return attempt.ok || this.#reason === undefined ? attempt : this.interruptedAttempt()
  }

  /** The attempt as interrupted. */
  interruptedAttempt(): Ended {
    return this.#reason === 'timeout'
      ? interruptedAttempt('timeout', `took longer than ${this.timeoutMs} ms`)
      : cancelledAttempt()
  }

  #interrupt(reason: 'timeout' | 'cancelled'): void {
    this.clear()
    if (this.#reason) return
    this.#reason = reason
    this.onInterrupt()
  }
}
