import { isUtf8 } from 'node:buffer'
import { stackOf } from '../../util/thrown.js'
import type { Redact } from './mask.js'

/**
 * Masks what this process prints from now on, for one whose output is a log: on a cluster, or among that of other
 * workers. Each text is masked by itself.
 */
export function maskOutput(redact: Redact): void {
  for (const stream of [process.stdout, process.stderr]) maskStream(stream, redact)
}

/** Prints the error of which this process dies by its streams, which mask it: Node would print it past them. */
export function printCrashes(): void {
  process.on('uncaughtException', dieOf)
}

function maskStream(stream: NodeJS.WriteStream, redact: Redact): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean
  stream.write = (chunk: unknown, ...rest: unknown[]) => write(maskedChunk(chunk, rest[0], redact), ...rest)
}

function maskedChunk(chunk: unknown, encoding: unknown, redact: Redact): unknown {
  if (typeof chunk === 'string') return isOtherEncoding(encoding) ? chunk : redact(chunk)
  if (!(chunk instanceof Uint8Array) || !isUtf8(chunk)) return chunk
  return Buffer.from(redact(Buffer.from(chunk).toString()))
}

function isOtherEncoding(encoding: unknown): boolean {
  return typeof encoding === 'string' && !/^utf-?8$/i.test(encoding)
}

function dieOf(thrown: unknown): void {
  // A program that has a listener of its own decides what becomes of it.
  if (process.listenerCount('uncaughtException') > 1) return
  console.error(stackOf(thrown))
  process.exit(1)
}
