import { format, inspect } from 'node:util'
import { isFlambeauError } from '../errors.js'
import { type LogLevel, teeLogger } from '../logger.js'
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

/** Where the events of a run go. */
interface RunEventTargets {
  readonly listener: RunListener | undefined
  readonly recording: Recording | undefined
  /** The name of the cluster on which it runs. */
  readonly cluster?: string
}

/** The events of one run: `run.started` first and `run.ended` last, however it ends. */
export class RunEvents {
  /** What happens before the run has started: its id is known when its record exists. */
  readonly #early: RunEvent[] = []
  #isStarted = false

  constructor(
    readonly file: string,
    readonly targets: RunEventTargets,
  ) {}

  /** Whether anybody takes them. */
  get isHeard(): boolean {
    return this.targets.listener !== undefined || this.targets.recording !== undefined
  }

  get hasStarted(): boolean {
    return this.#isStarted
  }

  /** Run options whose logger and progress are events, too. */
  runOptions(given: RunOptions): RunOptions {
    const { progress: _, ...others } = given
    const logger = teeLogger(given.logger, (level, message) => this.#log(level, message))
    return runOptions({ ...others, logger, onEvent: this.emit })
  }

  readonly emit = (event: RunEvent): void => {
    if (!this.#isStarted) this.#early.push(event)
    else this.#send(event)
  }

  /** The run starts, unless it has; `id` is the one that a cluster knows. */
  start(id?: string): void {
    if (this.#isStarted || !this.isHeard) return
    this.#isStarted = true
    const { recording, cluster } = this.targets
    const facts = { id: id ?? recording?.id ?? newRunId(), file: this.file }
    const record = recording?.folder === undefined ? {} : { record: recording.folder }
    this.#send(
      eventNow({ type: 'run.started', ...facts, ...record, ...(cluster !== undefined && { cluster }) }),
    )
    for (const event of this.#early.splice(0)) this.#send(event)
  }

  end(outcome: Outcome<unknown>): void {
    this.start()
    if (this.isHeard) this.#send(eventNow(endOf(outcome)))
  }

  #log(level: LogLevel, message: readonly unknown[]): void {
    this.emit(eventNow({ type: 'log', level, message: format(...message) }))
  }

  // An error of a listener is one of the program, as an error in a handler of an EventEmitter is.
  #send(event: RunEvent): void {
    this.targets.recording?.onEvent(event)
    this.targets.listener?.(event)
  }
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
