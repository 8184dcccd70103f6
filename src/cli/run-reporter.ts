import { isFlambeauError, type Problem } from '../errors.js'
import type { Logger } from '../logger.js'
import { eventNow, type RunEvent, type RunEventBody, type RunListener } from '../records/events.js'
import { interruptedCode, resultLostCode } from '../util/exit-codes.js'
import { toJson } from '../util/json.js'
import { reserveTerminal } from '../util/terminal.js'
import { messageOf } from '../util/thrown.js'
import { writeAllSync } from '../util/write-sync.js'
import { inspected, jsonOf, printResult, reportLoss } from './output.js'

/** Prints how a run ends. */
export interface RunReporter {
  /** Takes the events of the run. */
  readonly onEvent?: RunListener | undefined
  /** Takes the id of a run on a cluster. */
  onStart(id: string): void
  onResult(value: unknown): void
  /** Takes the error, or the message, of a run that failed. It has been logged. */
  onFailure(error: unknown): void
}

/** Prints the result on standard output. */
export const textReporter: RunReporter = { onStart: () => {}, onResult: printResult, onFailure: () => {} }

/** What `flambeau run --json` prints. */
interface RunReport {
  /** What `run()` returned; `null` for nothing. */
  value: unknown
  exitCode: number
  problems: readonly Problem[]
  error: string | null
  /** The id of a run on a cluster. */
  run?: string
}

/**
 * Prints one JSON object on standard output when the process ends, however it ends. Everything else that this process would
 * print there goes to standard error.
 */
export class JsonReporter implements RunReporter {
  readonly #report: RunReport = { value: null, exitCode: 0, problems: [], error: null }

  constructor(readonly logger: Logger) {
    keepStandardOutput()
    process.once('exit', (exitCode) => this.#print(exitCode))
  }

  onStart(id: string): void {
    this.#report.run = id
  }

  onResult(value: unknown): void {
    this.#report.value = this.#representable(value ?? null)
  }

  onFailure(error: unknown): void {
    this.#report.error = typeof error === 'string' ? error : messageOf(error)
    if (isFlambeauError(error)) this.#report.problems = error.problems
  }

  #representable(value: unknown): unknown {
    if (jsonOf(value) !== undefined) return value
    this.logger.warn('JSON cannot represent the result: "value" is a text that shows it')
    return inspected(value)
  }

  #print(exitCode: number): void {
    const report = { ...this.#report, exitCode }
    if (exitCode !== 0) report.error ??= 'The process exited before the run ended'
    try {
      // Streams do not wait for a pipe when the process is exiting.
      writeAllSync(standardOutput, Buffer.from(`${jsonOf(report)}\n`))
    } catch (error) {
      reportLoss(error as NodeJS.ErrnoException)
    }
  }
}

/**
 * Prints the events of a run on standard output, one JSON object in each line, from `run.started` to `run.ended`, however the process
 * ends. Everything else that this process would print there goes to standard error.
 */
export class EventReporter implements RunReporter {
  #hasEnded = false
  #isLost = false
  #failure: RunEventBody & { type: 'run.ended' } = { type: 'run.ended', state: 'failed', exitCode: 1 }

  constructor() {
    if (process.stdout.isTTY) reserveTerminal()
    keepStandardOutput()
    process.once('exit', (exitCode) => this.#end(exitCode))
  }

  readonly onEvent = (event: RunEvent): void => {
    if (event.type === 'run.ended') this.#hasEnded = true
    if (this.#isLost) return
    try {
      writeAllSync(standardOutput, Buffer.from(`${toJson({ version: 1, ...event })}\n`))
    } catch (error) {
      this.#isLost = true
      reportLoss(error as NodeJS.ErrnoException)
    }
  }

  onStart(): void {}
  onResult(): void {}

  /** Keeps an error that comes before the run has started. */
  onFailure(error: unknown): void {
    const problems = isFlambeauError(error) ? error.problems : []
    const message = typeof error === 'string' ? error : messageOf(error)
    this.#failure = { ...this.#failure, error: message, ...(problems.length > 0 && { problems }) }
  }

  #end(exitCode: number): void {
    // The run itself has set its own code since.
    if (this.#isLost) process.exitCode = exitCode || resultLostCode
    if (this.#hasEnded) return
    const state = exitCode === 0 ? 'succeeded' : exitCode === interruptedCode ? 'cancelled' : 'failed'
    const error = exitCode === 0 ? {} : { error: 'The process exited before the run ended' }
    this.onEvent(eventNow({ ...error, ...this.#failure, state, exitCode }))
  }
}

// What the run prints must not stand between the data.
function keepStandardOutput(): void {
  process.stdout.write = process.stderr.write.bind(process.stderr) as typeof process.stdout.write
}

const standardOutput = 1
