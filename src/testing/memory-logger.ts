import { format } from 'node:util'
import type { Logger } from '../logger.js'
import type { LogLevel } from '../pool/engine.js'

/** One call of a logger. */
export interface LogLine {
  readonly level: LogLevel
  /** The text that `console.log` would print. */
  readonly text: string
}

/**
 * A logger that stores its lines.
 *
 * ```ts
 * const logger = new MemoryLogger()
 * await new Greet({ name: 'Ada' }).run(runOptions({ logger }))
 * assert.deepEqual(logger.lines, [{ level: 'info', text: 'greeting Ada' }])
 * ```
 */
export class MemoryLogger implements Logger {
  /** All lines in order, including those of `debug`. */
  readonly lines: LogLine[] = []

  debug(...message: unknown[]): void {
    this.#keep('debug', message)
  }

  info(...message: unknown[]): void {
    this.#keep('info', message)
  }

  warn(...message: unknown[]): void {
    this.#keep('warn', message)
  }

  error(...message: unknown[]): void {
    this.#keep('error', message)
  }

  #keep(level: LogLevel, message: readonly unknown[]): void {
    this.lines.push({ level, text: format(...message) })
  }
}
