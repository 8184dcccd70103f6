import { resultLostCode } from '../util/exit-codes.js'

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
