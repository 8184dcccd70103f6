import { constants, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** Why a file is not read. */
export type RefusedFile = 'a folder' | 'not a regular file' | 'too large' | 'changing' | 'excluded'

/** What is read: at most `limit` bytes, `isExcluded` decides by the opened file, and `isReal` refuses a symbolic link. */
export interface ReadRegularOptions {
  readonly limit: number
  readonly isReal?: boolean
  readonly isExcluded?: (stats: Stats) => boolean
}

/** How often a file is read that grows meanwhile, and the pause between two attempts. */
const tries = 5
const pauseMs = 50

/**
 * Reads a regular file. A device or a pipe is closed as soon as it is recognized: reading it could block, or never end. A file
 * that grows meanwhile is read again, a few times.
 */
export async function readRegular(path: string, options: ReadRegularOptions): Promise<Buffer | RefusedFile> {
  const { limit, isReal = false, isExcluded } = options
  const noFollow = isReal ? (constants.O_NOFOLLOW ?? 0) : 0
  for (let attempt = 1; ; attempt++) {
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | noFollow)
    try {
      const stats = await file.stat()
      if (stats.isDirectory()) return 'a folder'
      if (!stats.isFile()) return 'not a regular file'
      if (isExcluded?.(stats)) return 'excluded'
      if (stats.size > limit) return 'too large'
      const bytes = await readSize(file, stats.size)
      if (bytes) return bytes
    } finally {
      await file.close()
    }
    if (attempt === tries) return 'changing'
    await delay(pauseMs)
  }
}

/** The bytes of a file of that size; `undefined` when it has more by now. */
async function readSize(file: FileHandle, size: number): Promise<Buffer | undefined> {
  const buffer = Buffer.alloc(size + 1)
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) return buffer.subarray(0, length)
    length += bytesRead
    if (length === buffer.length) return undefined
  }
}

/** Identifies a file under any of its names, such as hard links. */
export function fileId({ dev, ino }: Stats): string {
  return `${dev}:${ino}`
}
