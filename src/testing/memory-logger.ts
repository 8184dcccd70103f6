import { format } from 'node:util'
import type { LogLevel } from '../pool/engine.js'
import type { Logger } from '../runnable/logger.js'

/** One call of a logger. */
export interface LogLine {
  readonly level: LogLevel
  /** What was logged, as `console.log` would print it. */
  readonly text: string
}

/**
 * Keeps what is logged.
 *
 * ```ts
 * const logger = new MemoryLogger()
 * await new Greet({ name: 'Ada' }).run(runOptions({ logger }))
 * assert.deepEqual(logger.lines, [{ level: 'info', text: 'greeting Ada' }])
 * ```
 */
export class MemoryLogger implements Logger {
  /** In order, those of `debug` too. */
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
