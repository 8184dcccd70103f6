import type { Job } from 'bullmq'
import { ended, endedBy } from '../attempt.js'
import type { Ended } from '../engine.js'
import { packError } from '../packed-error.js'

/** How the attempt of a job ended; `undefined` while it has not. */
export function verdictOf({ finishedOn, failedReason, returnvalue }: Job): Ended | undefined {
  if (finishedOn === undefined) return undefined
  return failedReason ? verdictOnFailure(failedReason) : (returnvalue as Ended)
}

/** A worker tells how a task ended as a value; a job fails only when its workers die, or cannot work at all. */
export function verdictOnFailure(reason: string): Ended {
  return reason.includes('stalled')
    ? endedBy('crashed', 'killed its workers, time and again')
    : ended('failed', packError(new Error(reason)))
}
