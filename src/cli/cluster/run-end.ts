import { constants } from 'node:os'
import type { RunEnd } from '../../cluster/run/remote-run.js'
import type { Logger } from '../../runnable/logger.js'
import { interruptedCode } from '../../util/exit-codes.js'
import { printResult } from '../print-result.js'

/** What a process exits with when the cluster is at fault. */
const clusterCode = 69
/** A process that a signal ended has this and the number of the signal as its code, in every shell. */
const signalCode = 128
const signalNumbers: Readonly<Record<string, number>> = constants.signals

/** Tells how a run ended, prints its result, and gives the exit code that says the same. */
export function tellEnd(end: RunEnd, logger: Logger): number {
  const { id, state, exitCode, signal, value } = end
  if (state === 'succeeded') printResult(value)
  if (state === 'cancelled') return warn(`Run ${id} was cancelled`, interruptedCode, logger)
  if (state === 'lost')
    return warn(`Run ${id} is lost: its host was restarted, or its supervisor killed`, clusterCode, logger)
  if (signal !== undefined)
    return warn(`Run ${id} was ended by ${signal}`, signalCode + (signalNumbers[signal] ?? 0), logger)
  return exitCode ?? 1
}

function warn(message: string, code: number, logger: Logger): number {
  logger.warn(message)
  return code
}
