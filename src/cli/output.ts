import { inspect } from 'node:util'
import { resultLostCode } from '../util/exit-codes.js'
import { toJson } from '../util/json.js'
import { printable } from '../util/printable.js'
import { readSafely } from '../util/thrown.js'

let failure: NodeJS.ErrnoException | undefined

/**
 * Records an error of standard output, such as a full disk or a closed pipe. Without a listener, the error would end the
 * process.
 */
export function watchStandardOutput(): void {
  process.stdout.on('error', (error) => {
    failure ??= error
  })
  // There is no stream left to report it to.
  process.stderr.on('error', () => {})
}

/** Waits until everything that was printed is written; otherwise reports that, and sets the exit code. */
export async function flushStandardOutput(): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  // The error is emitted after the callback.
  await new Promise((resolve) => setImmediate(resolve))
  if (!failure) return
  const reason = failure.code === 'EPIPE' ? 'it was closed by its reader' : failure.message
  process.stderr.write(`The result could not be written to standard output: ${reason}\n`)
  process.exitCode ||= resultLostCode
}

/** Prints a line. The names in it may come from files and hosts that are not trusted, so they are escaped. */
export function printLine(line: string): void {
  console.log(printable(line))
}

/** Prints the result of a run to standard output: a string as it is, data as JSON, nothing for `undefined`. */
export function printResult(value: unknown): void {
  if (value === undefined) return
  console.log(
    typeof value === 'string'
      ? value
      : (json(value) ?? readSafely(() => inspect(value), 'a value that cannot be shown')),
  )
}

// A run that succeeded must not fail because its result has a cycle.
function json(value: unknown): string | undefined {
  try {
    return toJson(value, 2)
  } catch {
    return undefined
  }
}
