import { type Logger, StderrLogger } from '../../logger.js'
import { formatDuration, formatNumber, formatOptions } from '../../records/format.js'
import { printable } from '../../util/printable.js'
import type { TrialRecord } from './records.js'

/** Shows the progress of a sweep. */
export interface Progress {
  onSettled(record: TrialRecord): void
  /** Clears the line of the terminal. */
  end(): void
}

export interface ProgressOptions {
  readonly metric: string
  readonly total: number
  /** How many trials have a result already. */
  readonly done: number
}

/** Creates a bar on a terminal, or else a line for each trial. */
export function createProgress(logger: Logger, options: ProgressOptions): Progress {
  const isTerminal = logger instanceof StderrLogger && logger.level !== 'warn' && process.stderr.isTTY
  return isTerminal ? new ProgressBar(logger, options) : new ProgressLines(logger, options)
}

class ProgressLines implements Progress {
  #done: number

  constructor(
    readonly logger: Logger,
    readonly options: ProgressOptions,
  ) {
    this.#done = options.done
  }

  onSettled(record: TrialRecord): void {
    const count = `${String(++this.#done).padStart(String(this.options.total).length)}/${this.options.total}`
    const line = `${count}  ${describeTrial(record, this.options.metric)}`
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
    readonly options: ProgressOptions,
  ) {
    this.#done = options.done
    this.#draw('')
  }

  onSettled(record: TrialRecord): void {
    this.#done++
    const line = describeTrial(record, this.options.metric)
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
    const { total } = this.options
    const filled = Math.round((width * this.#done) / total)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${this.#done}/${total}  ${line}`
    process.stderr.write(clearLine + bar.slice(0, (process.stderr.columns ?? 80) - 1))
  }
}

function describeTrial(
  { trial, options, metric, durationMs, error, stopped }: TrialRecord,
  name: string,
): string {
  const what = error
    ? error.message.split('\n', 1)[0]
    : `${name} ${formatNumber(metric)}${stopped ? ', stopped early' : ''}`
  return printable(
    [`${trial}  ${what}`, formatOptions(options), formatDuration(durationMs)].filter(Boolean).join('  '),
  )
}
