import type { Logger } from '../../logger.js'
import type { RunEvent } from '../../records/events.js'
import { describeStep, describeTime, stepsOf } from './steps.js'
import { SweepCounter } from './sweep-counter.js'

/** A run that is no sweep logs its progress no more often, in milliseconds. */
const pauseMs = 5000

/** Logs a line for each trial of a sweep; of another run, a line every few seconds. */
export class LineProgress {
  #sweep: SweepCounter | undefined
  #startedAt = Date.now()
  #loggedAt = this.#startedAt
  /** What was not logged yet, when anything was. */
  #pending: string | undefined

  constructor(readonly logger: Logger) {}

  readonly onEvent = (event: RunEvent): void => {
    switch (event.type) {
      case 'run.started':
        this.#startedAt = this.#loggedAt = Date.now()
        break
      case 'progress':
        this.#onProgress(event.value)
        break
      case 'sweep.started':
        this.#sweep = new SweepCounter(event)
        break
      case 'trial.ended':
        this.#onTrial(event)
        break
      case 'run.ended':
        if (this.#pending !== undefined && this.#loggedAt > this.#startedAt) this.logger.info(this.#pending)
    }
  }

  #onTrial(event: RunEvent & { type: 'trial.ended' }): void {
    const sweep = this.#sweep
    if (!sweep?.add(event)) return
    const count = `${String(sweep.settled).padStart(String(sweep.total).length)}/${sweep.total}`
    const line = `${count}  ${sweep.describe(event)}`
    if (event.error) this.logger.warn(line)
    else this.logger.info(line)
  }

  #onProgress(value: unknown): void {
    const steps = stepsOf(value)
    const { step, total } = steps
    const part = step === undefined || total === undefined ? undefined : step / total
    const time = describeTime(Date.now() - this.#startedAt, part)
    const line = [describeStep(steps), steps.values, time].filter(Boolean).join('  ')
    if (Date.now() - this.#loggedAt < pauseMs) this.#pending = line
    else {
      this.logger.info(line)
      this.#loggedAt = Date.now()
      this.#pending = undefined
    }
  }
}
