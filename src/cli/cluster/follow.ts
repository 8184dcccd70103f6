import { constants } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ReconnectOptions } from '../../cluster/run/reconnect.js'
import type { RunEnd } from '../../cluster/run/remote-run.js'
import { isFlambeauError } from '../../errors.js'
import type { Logger } from '../../logger.js'
import { interruptedCode, unavailableCode } from '../../util/exit-codes.js'
import { printable } from '../../util/printable.js'
import { repeatCommand } from '../../util/repeat-command.js'
import { printResult } from '../output.js'
import type { ClusterContext } from './cluster-context.js'

/** What {@link withReconnect} adds. */
export interface ReconnectFlags {
  readonly reconnectTimeout?: number
}

/** Adds `--reconnect-timeout SECONDS`. */
export function withReconnect(command: Command): Command {
  const option = new Option(
    '--reconnect-timeout <seconds>',
    'how long to try to reconnect after the connection is lost (default: 600)',
  )
  return command.addOption(option.argParser(seconds))
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1e9) return value
  throw new InvalidArgumentError('It must be a number of seconds, such as 3600.')
}

/** The run that a command follows. */
interface FollowedRun {
  readonly id: string
  readonly flags: ReconnectFlags
}

/**
 * Follows a run, and reconnects when the connection is lost. When the host cannot be reached again, logs that the run
 * continues and how to follow it again, and returns the exit code for that.
 */
export async function followRun(
  { id, flags }: FollowedRun,
  { logger, signal }: ClusterContext,
  body: (options: ReconnectOptions) => Promise<number>,
): Promise<number> {
  const { reconnectTimeout } = flags
  try {
    return await body({
      signal,
      reconnectTimeoutMs: reconnectTimeout === undefined ? undefined : reconnectTimeout * 1000,
      onConnectionLost: ({ message }) => logger.warn(`${message}; trying to reach it again`),
    })
  } catch (error) {
    if (!isFlambeauError(error) || error.code !== 'RUN_OUT_OF_REACH') throw error
    logger.error(`${error.message.replace(/, and can be.*$/, '')}`)
    logger.info(followAgain(id, 'logs', 'wait'))
    return error.exitCode
  }
}

/** Names the commands that follow a run. */
export function followAgain(id: string, ...commands: readonly ('logs' | 'wait')[]): string {
  const lines = commands.map((name) => repeatCommand(name === 'logs' ? [name, id, '--follow'] : [name, id]))
  return printable(`Follow it again with ${lines.map((line) => `"${line}"`).join(' or ')}`)
}

/** A process that is killed by a signal has this plus the number of the signal as its exit code, as in shells. */
const signalCode = 128
const signalNumbers: Readonly<Record<string, number>> = constants.signals

/** Reports the end of a run: prints its result or logs what happened, and returns the exit code. */
export function reportRunEnd(end: RunEnd, logger: Logger): number {
  const { id, state, exitCode, signal, value } = end
  if (state === 'succeeded') printResult(value)
  if (state === 'cancelled') return warn(`Run ${id} was cancelled`, interruptedCode, logger)
  if (state === 'lost')
    return warn(
      `Run ${id} is lost: its host was restarted, or its supervisor was killed`,
      unavailableCode,
      logger,
    )
  if (signal !== undefined)
    return warn(`Run ${id} was killed by ${signal}`, signalCode + (signalNumbers[signal] ?? 0), logger)
  return exitCode ?? 1
}

function warn(message: string, code: number, logger: Logger): number {
  logger.warn(message)
  return code
}
