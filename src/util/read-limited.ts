import type { Readable } from 'node:stream'

/**
 * Reads a stream to its end; returns `undefined` when it has more than `limit` bytes, and reads no further. A stream such
 * as `/dev/zero` has no end.
 */
export async function readLimited(stream: Readable, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > limit) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
