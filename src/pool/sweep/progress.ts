import { type Logger, StderrLogger } from '../../runnable/logger.js'
import { printable } from '../../util/printable.js'
import type { TrialRecord } from './records.js'
import { choices, duration, number } from './wording.js'

/** Shows how far a sweep is. */
export interface Progress {
  settled(record: TrialRecord): void
  /** Leaves the line to others. */
  end(): void
}

/** What {@link progressOn} shows. */
export interface ProgressOf {
  readonly metric: string
  readonly total: number
  /** How many trials are done already. */
  readonly done: number
}

/** A bar on a terminal, and elsewhere a line for each trial. */
export function progressOn(logger: Logger, of: ProgressOf): Progress {
  const terminal = logger instanceof StderrLogger && process.stderr.isTTY
  return terminal ? new ProgressBar(logger, of) : new ProgressLines(logger, of)
}

class ProgressLines implements Progress {
  #done: number

  constructor(
    readonly logger: Logger,
    readonly of: ProgressOf,
  ) {
    this.#done = of.done
  }

  settled(record: TrialRecord): void {
    const count = `${String(++this.#done).padStart(String(this.of.total).length)}/${this.of.total}`
    const line = `${count}  ${described(record, this.of.metric)}`
    if (record.error) this.logger.warn(line)
    else this.logger.info(line)
  }

  end(): void {}
}

const clearLine = '\r\u001b[2K'
const width = 24

class ProgressBar implements Progress {
  #done: number

  constructor(
    readonly logger: Logger,
    readonly of: ProgressOf,
  ) {
    this.#done = of.done
    this.#draw('')
  }

  settled(record: TrialRecord): void {
    this.#done++
    const line = described(record, this.of.metric)
    if (record.error) {
      process.stderr.write(clearLine)
      this.logger.warn(line)
    }
    this.#draw(line)
  }

  end(): void {
    process.stderr.write(clearLine)
  }

  #draw(line: string): void {
    const { total } = this.of
    const filled = Math.round((width * this.#done) / total)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${this.#done}/${total}  ${line}`
    process.stderr.write(clearLine + bar.slice(0, (process.stderr.columns ?? 80) - 1))
  }
}

function described(
  { trial, options, metric, durationMs, error, stopped }: TrialRecord,
  name: string,
): string {
  const what = error
    ? error.message.split('\n', 1)[0]
    : `${name} ${number(metric)}${stopped ? ', stopped early' : ''}`
  return printable([`${trial}  ${what}`, choices(options), duration(durationMs)].filter(Boolean).join('  '))
}
