import type { StderrLogger } from '../../logger.js'
import type { RunEvent } from '../../records/events.js'
import { StatusLines } from '../../util/terminal.js'
import { describeStep, describeTime, type Steps, stepsOf } from './steps.js'
import { SweepCounter } from './sweep-counter.js'

/** The lines are drawn no more often, in milliseconds. */
const pauseMs = 100
/** The time that was taken is drawn anew at least so often. */
const tickMs = 1000
const barWidth = 24

/** Shows the progress of a run at the bottom of the terminal: a bar, the time, the best so far, and what runs now. */
export class TerminalProgress {
  #status: StatusLines | undefined
  #sweep: SweepCounter | undefined
  #steps: Steps | undefined
  #startedAt = Date.now()
  #drawnAt = 0
  #timer: NodeJS.Timeout | undefined
  /** The last progress of each trial that runs. */
  readonly #running = new Map<string, string>()

  constructor(readonly logger: StderrLogger) {}

  readonly onEvent = (event: RunEvent): void => {
    switch (event.type) {
      case 'run.started':
        this.#startedAt = Date.now()
        // From the beginning: within a line that the run prints, nothing is drawn.
        this.#status ??= new StatusLines(process.stderr)
        break
      case 'progress':
        this.#steps = stepsOf(event.value)
        this.#update()
        break
      case 'sweep.started':
        this.#sweep = new SweepCounter(event)
        this.#update()
        break
      case 'trial.started':
        this.#running.set(event.trial, '')
        this.#update()
        break
      case 'trial.progress':
        this.#running.set(event.trial, describeProgress(stepsOf(event.value)))
        this.#update()
        break
      case 'trial.ended':
        this.#onTrial(event)
        break
      case 'run.ended':
        this.#end()
    }
  }

  #onTrial(event: RunEvent & { type: 'trial.ended' }): void {
    this.#running.delete(event.trial)
    if (!this.#sweep?.add(event)) return
    if (event.error) this.logger.warn(this.#sweep.describe(event))
    // The table that follows the last trial is not part of it.
    if (this.#sweep.settled >= this.#sweep.total) this.#end()
    else this.#update()
  }

  #update(): void {
    if (Date.now() - this.#drawnAt >= pauseMs) this.#draw()
    this.#timer ??= setInterval(() => this.#draw(), tickMs).unref()
  }

  #draw(): void {
    this.#drawnAt = Date.now()
    this.#status ??= new StatusLines(process.stderr)
    this.#status.show(this.#sweep ? this.#sweepLines(this.#sweep) : this.#runLines())
  }

  #sweepLines(sweep: SweepCounter): string[] {
    const { settled, total, tookMs, part } = sweep
    const first = [
      `${bar(settled / total)} ${settled}/${total}`,
      describeTime(tookMs, part),
      sweep.describeBest(),
    ]
    const running = [...this.#running].map(([trial, progress]) =>
      progress === '' ? trial : `${trial} ${progress}`,
    )
    const lines = [first.filter(Boolean).join('  ')]
    return running.length === 0 ? lines : [...lines, `running  ${running.join(' | ')}`]
  }

  #runLines(): string[] {
    const { step, total, values, name } = this.#steps ?? { values: '' }
    const tookMs = Date.now() - this.#startedAt
    if (step === undefined || total === undefined)
      return [
        [name === undefined ? '' : `${name} ${step}`, values, describeTime(tookMs, undefined)]
          .filter(Boolean)
          .join('  '),
      ]
    const part = step / total
    return [[`${bar(part)} ${step}/${total}`, describeTime(tookMs, part), values].filter(Boolean).join('  ')]
  }

  #end(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#status?.end()
    this.#status = undefined
  }
}

function bar(part: number): string {
  const filled = Math.round(barWidth * Math.min(1, Math.max(0, part)))
  return '█'.repeat(filled) + '░'.repeat(barWidth - filled)
}

function describeProgress(steps: Steps): string {
  return [describeStep(steps), steps.values].filter(Boolean).join(' ')
}
