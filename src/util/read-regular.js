import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** How often a file that grows while it is read is read, and how long each pause is: a program saves a file in less. */
const tries = 5
const pauseMs = 50
/**
 * Reads a regular file. A device or a pipe is closed as soon as it is recognized: reading it could block, or never end. A file
 * that grows meanwhile is read again, a few times.
 */
export async function readRegular(path, options) {
  const { limit, isReal = false, isExcluded } = options
  const noFollow = isReal ? (constants.O_NOFOLLOW ?? 0) : 0
  for (let pauses = 0; ; pauses++) {
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
    if (pauses === tries - 1) return 'changing'
    await delay(pauseMs)
  }
}
/** The bytes of a file of that size; `undefined` when it has more by now. */
async function readSize(file, size) {
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
export function fileId({ dev, ino }) {
  return `${dev}:${ino}`
}
