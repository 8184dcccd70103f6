import { createHash } from 'node:crypto'
import type { TaskMessage } from '../engine.js'

/** What all keys of queues begin with. */
export const prefix = 'flambeau'

/** The id of the job of an attempt: the same task in another process is the same job, another task never is. */
export function jobIdOf({ id, attempt, text }: TaskMessage): string {
  const content = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return `${encodeURIComponent(id)}.${attempt}.${content}`
}

/** The channel on which ids of jobs that should end are told. */
export function cancelChannel(queue: string): string {
  return `${prefix}:${queue}:cancel`
}
