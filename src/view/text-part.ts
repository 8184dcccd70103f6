import { constants } from 'node:fs'
import { type FileHandle, open, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../util/thrown.js'
import type { TextPart } from './data.js'

/** A file of a run. */
export interface FileOfRun {
  /** The folder of the run. */
  readonly folder: string
  /** Its path in that folder. */
  readonly name: string
}

/** What a part of a file is made of. */
export type PartUnit = 'line' | 'character'

/** The most bytes of a file in one part. */
const largestPart = 1 << 22

/** Reads the whole lines, or characters, of a file from a byte on; nothing when there is no such file. */
export async function readPart(source: FileOfRun, from: number, unit: PartUnit = 'line'): Promise<TextPart> {
  const bytes = await readBytes(source, (size) => [from, Math.min(size - from, largestPart)])
  if (!bytes) return { text: '', next: from }
  const end = endOfPart(bytes, unit)
  return { text: bytes.toString('utf8', 0, end), next: from + end }
}

/** Reads the whole of a small file; nothing when there is no such file. A text that says so stands for one that is large. */
export async function readWhole(source: FileOfRun): Promise<string | undefined> {
  const bytes = await readBytes(source, (size) => [0, Math.min(size, largestPart + 1)])
  if (bytes && bytes.length > largestPart)
    return `Too large for this page: see "${join(source.folder, source.name)}"`
  return bytes?.toString()
}

/** Reads the last lines of a file, of at most `length` bytes; the first one may be cut off. */
export async function readEnd(source: FileOfRun, length: number): Promise<string> {
  const bytes = await readBytes(source, (size) => [
    Math.max(0, size - length),
    Math.min(size, length, largestPart),
  ])
  return bytes?.toString() ?? ''
}

async function readBytes(
  source: FileOfRun,
  range: (size: number) => readonly [from: number, length: number],
): Promise<Buffer | undefined> {
  const file = await openInside(source)
  if (!file) return undefined
  try {
    const [from, length] = range((await file.stat()).size)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, length)), 0, null, from)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants

// The folder may come from somebody else: a link in it could lead to any file of this user, and a pipe has no end.
async function openInside({ folder, name }: FileOfRun): Promise<FileHandle | undefined> {
  try {
    const path = join(await realpath(folder), name)
    if ((await realpath(path)) !== path) return undefined
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    if ((await file.stat()).isFile()) return file
    await file.close()
    return undefined
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(codeOf(error) ?? '')) return undefined
    throw error
  }
}

function endOfPart(bytes: Buffer, unit: PartUnit): number {
  const end = unit === 'line' ? bytes.lastIndexOf(10) + 1 : 0
  // The last line may not be whole yet. One that is longer than a part comes in several.
  const isWhole = unit === 'line' && (end > 0 || bytes.length < largestPart)
  return isWhole ? end : endOfCharacters(bytes)
}

/** Where the last whole character of UTF-8 ends. */
function endOfCharacters(bytes: Buffer): number {
  let start = bytes.length - 1
  while (start > bytes.length - 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--
  const lead = bytes[start] ?? 0
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
  return start + size > bytes.length ? start : bytes.length
}
