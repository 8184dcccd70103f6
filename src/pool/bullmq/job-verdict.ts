import type { Job } from 'bullmq'
import { ended, endedBy } from '../attempt.js'
import type { Ended } from '../engine.js'
import { packError } from '../packed-error.js'
import { isEnded } from '../received.js'

/** How the attempt of a job ended; `undefined` while it has not. */
export function verdictOf({ finishedOn, failedReason, returnvalue }: Job): Ended | undefined {
  if (finishedOn === undefined) return undefined
  return failedReason ? verdictOnFailure(failedReason) : verdictOnValue(returnvalue)
}

/** What a worker gives as the value of a job says how the task ended; whoever can write to Redis could put anything there. */
export function verdictOnValue(value: unknown): Ended {
  return isEnded(value)
    ? value
    : ended('failed', packError(new Error('Redis has something for its result that no worker wrote')))
}

/** A worker tells how a task ended as a value; a job fails only when its workers die, or cannot work at all. */
export function verdictOnFailure(reason: string): Ended {
  return reason.includes('stalled')
    ? endedBy('crashed', 'killed its workers, time and again')
    : ended('failed', packError(new Error(reason)))
}
