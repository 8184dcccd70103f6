import { constants } from 'node:os'
import type { RunStatus } from '../../cluster/protocol/messages.js'
import type { ReconnectOptions } from '../../cluster/run/reconnect.js'
import type { RunEnd } from '../../cluster/run/remote-run.js'
import { isFlambeauError } from '../../errors.js'
import { continuesMessage, type Logger, logLine } from '../../logger.js'
import type { RunEnded, RunEvent } from '../../records/events.js'
import { isEndState } from '../../records/record.js'
import { interruptedCode, timeoutCode, unavailableCode } from '../../util/exit-codes.js'
import { printable } from '../../util/printable.js'
import { repeatCommand } from '../../util/repeat-command.js'
import type { ReconnectFlags } from '../options.js'
import { type RunReporter, textReporter } from '../run-reporter.js'
import type { ClusterContext } from './cluster-context.js'

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
export function reportRunEnd(end: RunEnd, logger: Logger, reporter: RunReporter = textReporter): number {
  if (end.state === 'succeeded') reporter.onResult(end.value)
  const [exitCode, message] = explainEnd(end)
  if (message !== undefined) logger.warn(message)
  if (end.state !== 'succeeded') reporter.onFailure(message ?? failureOf(end))
  return exitCode
}

function failureOf({ id }: RunEnd): string {
  return `Run ${id} failed: its log says why`
}

/** The event of the end of a run. */
export function endEvent(end: RunEnd): RunEvent & RunEnded {
  const { state, endedAt, value, reason } = end
  const [exitCode, message = failureOf(end)] = explainEnd(end)
  const time = endedAt ?? new Date().toISOString()
  if (state === 'succeeded') return { time, type: 'run.ended', state, exitCode, value }
  const endState = state === 'cancelled' || state === 'lost' ? state : 'failed'
  return { time, type: 'run.ended', state: endState, exitCode, error: message, ...(reason && { reason }) }
}

/** A status whose exit code, if the run is over, is that of the commands that wait for it; its process may have had another. */
export function withExitCode(status: RunStatus): RunStatus {
  if (!isEndState(status.state)) return status
  const [exitCode] = explainEnd(status)
  return { ...status, exitCode }
}

/** The ends of runs that Slurm has stopped, in words, by the state of the job. */
const slurmReasons: Readonly<Record<string, string>> = {
  PREEMPTED: 'was preempted by another job: submit it again',
  OUT_OF_MEMORY: 'used more memory than it had: state more as "memory" in its "needs"',
  NODE_FAIL: 'is lost: its node failed',
  BOOT_FAIL: 'never started: its node failed to boot',
}

/** The exit code of a run, and what its log does not say. */
function explainEnd({ id, state, exitCode, signal, reason }: RunEnd): [exitCode: number, message?: string] {
  if (state === 'cancelled') return [interruptedCode, `Run ${id} was cancelled`]
  if (state === 'lost')
    return [unavailableCode, `Run ${id} is lost: its host was restarted, or its supervisor was killed`]
  if (reason === 'TIMEOUT' || reason === 'DEADLINE')
    return [timeoutCode, `Run ${id} reached its time limit: set a longer "time" in the cluster file`]
  if (reason !== undefined)
    return [unavailableCode, `Run ${id} ${slurmReasons[reason] ?? `was ended by Slurm (${reason})`}`]
  if (signal === undefined) return [exitCode ?? 1]
  return [signalCode + (signalNumbers[signal] ?? 0), `Run ${id} was killed by ${signal}`]
}

/** The lines of a log without the messages of the levels `debug` and `info`. Lines without a level stay. */
export async function* withoutProgress(
  log: AsyncIterable<string | Uint8Array>,
): AsyncGenerator<string | Uint8Array> {
  const decoder = new TextDecoder()
  const filter = new LevelFilter()
  let rest = ''
  for await (const chunk of log) {
    const lines =
      `${rest}${typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })}`.split('\n')
    rest = lines.pop()!
    const kept = lines.filter((line) => filter.keeps(line))
    if (kept.length > 0) yield `${kept.join('\n')}\n`
  }
  if (rest !== '' && filter.keeps(rest)) yield rest
}

class LevelFilter {
  #isHidden = false

  keeps(line: string): boolean {
    if (this.#isHidden && (line === '' || continuesMessage(line))) return false
    const [, level] = logLine.exec(line) ?? []
    this.#isHidden = level === 'debug' || level === 'info'
    return !this.#isHidden
  }
}

/** The lines of a log as JSON, one object each. */
export async function* jsonLines(log: AsyncIterable<string | Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of log) {
    const lines =
      `${rest}${typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })}`.split('\n')
    rest = lines.pop()!
    for (const line of lines) yield jsonLine(line)
  }
  if (rest !== '') yield jsonLine(rest)
}

function jsonLine(line: string): string {
  const [head = '', level] = logLine.exec(line) ?? []
  const logged = level === undefined ? {} : { time: line.slice(0, '12:34:56'.length), level }
  return `${JSON.stringify({ ...logged, message: line.slice(head.length) })}\n`
}
