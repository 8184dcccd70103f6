import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { format } from 'node:util'
import { currentRegistry } from '../../registry/default-registry.js'
import { SafeExecutionContext } from '../../runnable/context.js'
import { type PreparedExtensions, prepareExtensions } from '../../runnable/import-extensions.js'
import type { Logger } from '../../runnable/logger.js'
import { runOptions } from '../../runnable/run-options.js'
import { maskData, type Redact, redactorFor } from '../../runnable/secrets/mask.js'
import type { SecretsConfig } from '../../runnable/secrets/secrets.js'
import {
  type Ended,
  type EndReason,
  type LogLevel,
  type PackedError,
  packError,
  redactError,
  type TaskMessage,
  type TaskNews,
  type WorkerSetup,
} from '../engine.js'
import { importModules } from '../import-modules.js'
import { packResult } from '../serialize.js'
import { taskFileName } from '../task-file.js'

/** The name of this machine, as results and errors show it. */
export const thisHost = hostname()

/** Runs one attempt in this process; what a task throws is how it ended. */
export async function runAttempt(
  task: TaskMessage,
  worker: PreparedWorker,
  { signal, tell }: { signal: AbortSignal; tell: (news: TaskNews) => void },
): Promise<Ended> {
  // What a task says of itself is masked here, before any engine sends or keeps it.
  const redact = redactorFor(worker.secrets)
  const tellMasked = (news: TaskNews): void => tell(worker.secrets ? maskedNews(news, redact) : news)
  try {
    const value = await runTask(task, { ...worker, signal, tell: tellMasked })
    return { ok: true, result: await packResult(value, task.id, worker.folder), host: thisHost }
  } catch (thrown) {
    return failedResult('failed', redactError(packError(thrown), redact))
  }
}

function maskedNews(news: TaskNews, redact: Redact): TaskNews {
  if (news.type === 'log') return { ...news, text: redact(news.text) }
  return news.type === 'progress' ? { ...news, value: maskData(news.value, redact) } : news
}

/** An attempt that did not come to its result, and why. */
export function failedResult(reason: EndReason, error: PackedError): Ended {
  return { ok: false, reason, error, host: thisHost }
}

/** What stands for an error of an attempt that was ended from outside. */
export function interruptedResult(reason: Exclude<EndReason, 'failed'>, message: string): Ended {
  return failedResult(reason, { name: 'Error', message, stack: message })
}

/** What surrounds a task in its worker. */
interface TaskEnvironment {
  readonly signal: AbortSignal
  readonly tell: (news: TaskNews) => void
  readonly secrets?: SecretsConfig | undefined
  readonly extensions: PreparedExtensions
  /** The folder of the pool. */
  readonly folder: string
}

/** Constructs the runnable of a task in this process, and runs it. */
async function runTask(
  { id, attempt, text }: TaskMessage,
  { signal, tell, secrets, extensions, folder }: TaskEnvironment,
): Promise<unknown> {
  const file = { content: text, filename: `task ${id}` }
  const context = new SafeExecutionContext(file, { preparedExtensions: extensions })
  const { runnable } = await context.preprocess(secrets ? { secrets } : {})
  const progress = (value: unknown): void => {
    // What cannot be sent is the task's mistake, not its worker's end.
    JSON.stringify(value)
    tell({ type: 'progress', value })
  }
  const options = runOptions({ signal, logger: eventLogger(tell) })
  const own = join(resolve(folder), 'tasks', taskFileName(id))
  const given = {
    ...options,
    progress,
    taskId: id,
    attempt,
    // Most tasks need none.
    get folder() {
      mkdirSync(own, { recursive: true })
      return own
    },
  }
  return runnable.run(given)
}

function eventLogger(tell: (news: TaskNews) => void): Logger {
  const at =
    (level: LogLevel) =>
    (...message: unknown[]): void =>
      tell({ type: 'log', level, text: format(...message) })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** A worker that has imported all that its tasks may use: a task names tags, and what it declares is there already. */
export interface PreparedWorker extends Pick<WorkerSetup, 'folder' | 'secrets'> {
  readonly extensions: PreparedExtensions
}

/**
 * Imports the modules and the extensions of a worker.
 *
 * @throws {@link ResourceError} that names the module that does not exist.
 * @throws {@link ExtensionError} with every extension that cannot be imported.
 */
export async function prepareWorker(setup: WorkerSetup): Promise<PreparedWorker> {
  const { imports, folder, secrets, extensions = {}, registry = currentRegistry() } = setup
  await importModules(imports)
  const prepared = await prepareExtensions(extensions, registry)
  return { folder, extensions: prepared, ...(secrets && { secrets }) }
}

/** Why an attempt was told to end. */
type Interruption = 'timeout' | 'cancelled'

/** A timer for longer than this, 24 days, would go off at once. */
const maxTimerMs = 2 ** 31 - 1

/** Calls an attempt to its end when it is cancelled or takes too long; `call` says which came first. */
export class Deadline {
  interruption: Interruption | undefined
  readonly #timer: NodeJS.Timeout | undefined
  readonly #cancel = (): void => this.#interrupt('cancelled')

  constructor(
    readonly timeoutMs: number | undefined,
    readonly signal: AbortSignal,
    readonly onInterrupt: () => void,
  ) {
    // JSON makes null of Infinity.
    if (typeof timeoutMs === 'number' && timeoutMs <= maxTimerMs)
      this.#timer = setTimeout(() => this.#interrupt('timeout'), timeoutMs)
    if (signal.aborted) this.#cancel()
    else signal.addEventListener('abort', this.#cancel, { once: true })
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.signal.removeEventListener('abort', this.#cancel)
  }

  /** How the attempt ended: what fails after the call fails because of it. */
  explain(interruptedResult: Ended): Ended {
    return interruptedResult.ok || this.interruption === undefined
      ? interruptedResult
      : this.ended(this.interruption)
  }

  ended(call: Interruption): Ended {
    return call === 'timeout'
      ? interruptedResult(call, `took longer than ${this.timeoutMs} ms`)
      : interruptedResult(call, 'was cancelled')
  }

  #interrupt(call: Interruption): void {
    this.clear()
    if (this.interruption) return
    this.interruption = call
    this.onInterrupt()
  }
}
