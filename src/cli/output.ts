import type { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { resultLostCode } from '../util/exit-codes.js'
import { explainWriteError } from '../util/file-error.js'
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
  if (failure) reportLoss(failure)
}

/** Reports that standard output cannot be written; a command that failed keeps its own exit code. */
export function reportLoss(error: NodeJS.ErrnoException): void {
  const reason =
    error.code === 'EPIPE'
      ? 'it was closed by its reader (EPIPE): to keep the result, write it to a file'
      : explainWriteError(error)
  process.stderr.write(`The result could not be written to standard output: ${reason}\n`)
  process.exitCode ||= resultLostCode
}

/** Copies a stream to standard output. When that cannot be written, the command ends as {@link flushStandardOutput} says. */
export async function copyToOutput(source: Readable): Promise<void> {
  const { pipeline } = await import('node:stream/promises')
  await pipeline(source, process.stdout, { end: false }).catch((error) => {
    if (error !== failure) throw error
  })
}

/** Copies a log to standard error; without a reader, it is read to its end nevertheless. */
export async function copyToStandardError(source: AsyncIterable<string | Uint8Array>): Promise<void> {
  const { default: events } = await import('node:events')
  for await (const chunk of source)
    if (!process.stderr.write(chunk)) await events.once(process.stderr, 'drain').catch(() => {})
}

/** Prints a line. The names in it may come from files and hosts that are not trusted, so they are escaped. */
export function printLine(line: string): void {
  console.log(printable(line))
}

/** Prints the result of a run to standard output: a string as it is, data as JSON, nothing for `undefined`. */
export function printResult(value: unknown): void {
  if (value === undefined) return
  console.log(typeof value === 'string' ? value : (jsonOf(value) ?? inspected(value)))
}

/** A value as indented JSON; `undefined` if JSON cannot represent it. */
export function jsonOf(value: unknown): string | undefined {
  // A run that succeeded must not fail because its result has a cycle.
  try {
    return toJson(value, 2)
  } catch {
    return undefined
  }
}

/** A value as Node shows it. */
export function inspected(value: unknown): string {
  return readSafely(() => inspect(value), 'a value that cannot be shown')
}

/** Passes what this process prints on to `onText`, too. Returns a function that ends that. */
export function teeOutput(onText: (text: string) => void): () => void {
  const ends = [process.stdout, process.stderr].map((stream) => {
    const { write } = stream
    let decoder: InstanceType<typeof TextDecoder> | undefined
    // A character may be written in two pieces.
    const textOf = (bytes: Uint8Array): string => {
      decoder ??= new TextDecoder('utf-8', { ignoreBOM: true })
      return decoder.decode(bytes, { stream: true })
    }
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      onText(typeof chunk === 'string' ? chunk : textOf(chunk))
      return (write as (...words: unknown[]) => boolean).call(stream, chunk, ...rest)
    }
    return () => {
      stream.write = write
    }
  })
  return () => {
    for (const end of ends) end()
  }
}
