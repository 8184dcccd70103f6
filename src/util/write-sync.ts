import { writeSync } from 'node:fs'

const pauseMs = 2

/** Writes all bytes before it returns. A pipe that does not block is full until it is read, so this waits for its reader. */
export function writeAllSync(fd: number, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0; )
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs)
    }
}
