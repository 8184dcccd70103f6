import { inspect } from 'node:util'
import { resultLostCode } from '../util/exit-codes.js'
import { toJson } from '../util/json.js'
import { printable } from '../util/printable.js'
import { readSafely } from '../util/thrown.js'

let failure: NodeJS.ErrnoException | undefined

/**
 * Notices when standard output cannot take what is printed: a full disk, a pipe that was closed. Whatever prints goes
 * on, and does not end the process by an error that nobody handles.
 */
export function watchStandardOutput(): void {
  process.stdout.on('error', (error) => {
    failure ??= error
  })
  // Nothing is left to say it to.
  process.stderr.on('error', () => {})
}

/** Waits until standard output has all that was printed; the exit code says so when it does not. */
export async function flushStandardOutput(): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  // The error follows the callback.
  await new Promise((resolve) => setImmediate(resolve))
  if (!failure) return
  const reason = failure.code === 'EPIPE' ? 'it was closed by its reader' : failure.message
  process.stderr.write(`The result could not be written to standard output: ${reason}\n`)
  process.exitCode ||= resultLostCode
}

/** Prints a line of a command's own: names in it may come from files and hosts that nobody vouches for. */
export function printLine(line: string): void {
  console.log(printable(line))
}

/** Prints what a run returned to standard output: text as it is, data as JSON, nothing for nothing. */
export function printResult(value: unknown): void {
  if (value === undefined) return
  console.log(
    typeof value === 'string'
      ? value
      : (json(value) ?? readSafely(() => inspect(value), 'a value that cannot be shown')),
  )
}

// A cycle is no reason for a run that succeeded to fail.
function json(value: unknown): string | undefined {
  try {
    return toJson(value, 2)
  } catch {
    return undefined
  }
}
