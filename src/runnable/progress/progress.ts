import { type Logger, StderrLogger } from '../../logger.js'
import type { RunListener } from '../../records/events.js'
import { canDraw } from '../../util/terminal.js'
import { LineProgress } from './line-progress.js'
import { TerminalProgress } from './terminal-progress.js'

/**
 * Shows the progress of a run: a bar at the bottom of a terminal; elsewhere lines, through the logger. A logger of the user gets
 * lines.
 */
export function progressListener(logger: Logger): RunListener {
  const isShown = logger instanceof StderrLogger && ['debug', 'info'].includes(logger.level)
  return (isShown && canDraw() ? new TerminalProgress(logger) : new LineProgress(logger)).onEvent
}
