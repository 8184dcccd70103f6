import { format, inspect } from 'node:util'
import { isFlambeauError } from '../errors.js'
import { type Logger, type LogLevel, StderrLogger, teeLogger } from '../logger.js'
import {
  eventNow,
  type RunEnded,
  type RunEvent,
  type RunEventBody,
  type RunListener,
} from '../records/events.js'
import type { Recording } from '../records/recording.js'
import { newRunId } from '../records/run-id.js'
import { interruptedCode } from '../util/exit-codes.js'
import { fromJson, toJson } from '../util/json.js'
import { messageOf, readSafely } from '../util/thrown.js'
import type { Outcome } from './outcome.js'
import { type RunOptions, runOptions } from './run-options.js'
import { maskData, type Redact, redactorFor } from './secrets/mask.js'

/** Where the events of a run go. */
interface RunEventTargets {
  readonly listeners: readonly (RunListener | undefined)[]
  readonly recording: Recording | undefined
  /** Whether a listener takes what is logged. */
  readonly takesLog?: boolean
  /** The name of the cluster on which it runs. */
  readonly cluster?: string
}

/** The events of one run: `run.started` first and `run.ended` last, however it ends. */
export class RunEvents {
  /** What happens before the run has started: its id is known when its record exists. */
  readonly #early: RunEvent[] = []
  #isStarted = false
  #hasEnded = false
  #id = ''
  #redact: Redact = redactorFor()

  constructor(
    readonly file: string,
    readonly targets: RunEventTargets,
  ) {}

  /** Masks the secrets in all events. */
  readonly useRedactor = (redact: Redact): void => {
    this.#redact = redact
  }

  /** Masks the secrets in a text. */
  mask(text: string): string {
    return this.#redact(text)
  }

  get hasStarted(): boolean {
    return this.#isStarted
  }

  /**
   * Run options whose progress is an event, and what is logged as well, when anybody takes that: the run gets the very logger that
   * the program has passed otherwise.
   */
  runOptions(given: RunOptions): RunOptions {
    const { progress: _, ...others } = given
    const { recording, takesLog } = this.targets
    if (!recording && !takesLog) return runOptions({ ...others, onEvent: this.emit })
    const logger = teeLogger(given.logger, (level, message) => {
      if (isShown(level, given.logger)) this.#log(level, message)
    })
    return runOptions({ ...others, logger, onEvent: this.emit })
  }

  readonly emit = (event: RunEvent): void => {
    // Work that nobody waited for may report when the run is over.
    if (this.#hasEnded) return
    if (!this.#isStarted) this.#early.push(event)
    else this.#send(event)
  }

  /** The run starts, unless it has; `known` is the id that a cluster has given it. Returns its id. */
  start(known?: string): string {
    if (this.#isStarted) return this.#id
    this.#isStarted = true
    const { recording, cluster } = this.targets
    this.#id = known ?? recording?.id ?? newRunId()
    const facts = { id: this.#id, file: this.file }
    const record = recording?.folder === undefined ? {} : { record: recording.folder }
    this.#send(
      eventNow({ type: 'run.started', ...facts, ...record, ...(cluster !== undefined && { cluster }) }),
    )
    for (const event of this.#early.splice(0)) this.#send(event)
    return this.#id
  }

  end(outcome: Outcome<unknown>): void {
    this.start()
    this.emit(eventNow(endOf(outcome)))
  }

  #log(level: LogLevel, message: readonly unknown[]): void {
    this.emit(eventNow({ type: 'log', level, message: format(...message) }))
  }

  // An error of a listener is one of the program, as an error in a handler of an EventEmitter is.
  #send(unmasked: RunEvent): void {
    if (unmasked.type === 'run.ended') this.#hasEnded = true
    const event = maskData(unmasked, this.#redact)
    this.targets.recording?.onEvent(event)
    for (const listener of this.targets.listeners) listener?.(event)
  }
}

// What is not shown is no event, either: trials log through it, too.
function isShown(level: LogLevel, logger: Logger): boolean {
  return level !== 'debug' || !(logger instanceof StderrLogger) || logger.level === 'debug'
}

function endOf(outcome: Outcome<unknown>): RunEventBody & RunEnded {
  const { exitCode } = outcome
  if (outcome.ok) return { type: 'run.ended', state: 'succeeded', exitCode, ...resultOf(outcome.value) }
  const state = exitCode === interruptedCode ? 'cancelled' : 'failed'
  const { error } = outcome
  const problems = isFlambeauError(error) && error.problems.length > 0 ? { problems: error.problems } : {}
  return { type: 'run.ended', state, exitCode, error: messageOf(error), ...problems }
}

function resultOf(value: unknown): { value?: unknown } {
  const copy = jsonValue(value)
  return copy === undefined ? {} : { value: copy }
}

// What JSON cannot hold is shown as Node shows it.
function jsonValue(value: unknown): unknown {
  if (value === undefined) return undefined
  return readSafely(
    () => {
      const json = toJson(value)
      return json === undefined ? undefined : fromJson(json)
    },
    readSafely(() => inspect(value), undefined),
  )
}
