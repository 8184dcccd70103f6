import { type Logger, StderrLogger } from '../../logger.js'
import type { RunListener } from '../../records/events.js'
import { LineProgress } from './line-progress.js'
import { TerminalProgress } from './terminal-progress.js'

/**
 * Shows the progress of a run: a bar at the bottom of a terminal; elsewhere lines, through the logger. A logger of the user gets
 * lines.
 */
export function progressListener(logger: Logger): RunListener {
  const { env, stderr } = process
  const isTerminal = stderr.isTTY && env['TERM'] !== 'dumb' && env['CI'] === undefined
  const progress =
    isTerminal && logger instanceof StderrLogger && logger.level !== 'warn'
      ? new TerminalProgress(logger)
      : new LineProgress(logger)
  return progress.onEvent
}
