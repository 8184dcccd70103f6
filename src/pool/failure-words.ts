import type { PackedError } from './packed-error.js'

/** What an error says, or its name where it says nothing. */
export function messageOf({ message, name }: PackedError): string {
  return message === '' ? name : message
}

/** How often a task was tried, where that was more than once. */
export function timesOf(attempts: number): string {
  return attempts === 1 ? '' : ` after ${attempts} attempts`
}
