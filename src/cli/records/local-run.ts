import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { isEndState, type RunRecord } from '../../records/record.js'
import { readRecord } from '../../records/runs.js'
import { signalProcess } from '../../util/process.js'
import { isAlive } from '../../util/process-identity.js'
import type { FoundRecord } from './run-location.js'

const pieceSize = 1 << 16
const pauseMs = 100
const newline = 10

/** Which part of a log is read. */
interface LogPart {
  readonly follow: boolean
  /** The number of last lines with which to start; the whole log when absent. */
  readonly tail: number | undefined
}

/** The log of a run of this machine; with `follow`, until it ends. */
export function readLog({ folder }: FoundRecord, part: LogPart): Readable {
  return Readable.from(logChunks(folder, part))
}

async function* logChunks(folder: string, { follow, tail }: LogPart): AsyncGenerator<Buffer> {
  let position = 0
  let isFirst = true
  for (;;) {
    // The state is read before the log, so that nothing that is written in between is missed.
    const isOver = isEndState((await readRecord(folder)).state)
    const file = await open(join(folder, 'log.txt')).catch(() => undefined)
    try {
      if (isFirst && file && tail !== undefined) position = await startOfLast(tail, await file.readFile())
      isFirst = false
      for (;;) {
        const read = await file?.read(Buffer.alloc(pieceSize), 0, pieceSize, position)
        if (!read || read.bytesRead === 0) break
        position += read.bytesRead
        yield read.buffer.subarray(0, read.bytesRead)
      }
    } finally {
      await file?.close()
    }
    if (isOver || !follow) return
    await delay(pauseMs)
  }
}

function startOfLast(count: number, bytes: Buffer): number {
  if (count === 0) return bytes.length
  let missing = count
  for (let index = bytes.length - 2; index >= 0; index--)
    if (bytes[index] === newline && --missing === 0) return index + 1
  return 0
}

/** Waits until a run of this machine has ended; returns its record. */
export async function waitForEnd({ folder }: FoundRecord): Promise<RunRecord> {
  for (;;) {
    const record = await readRecord(folder)
    if (isEndState(record.state)) return record
    await delay(pauseMs)
  }
}

/** Interrupts a run of this machine as Ctrl-C does, and waits for its end; returns `false` when it had ended. */
export async function interruptRun(found: FoundRecord): Promise<boolean> {
  const { process, state } = found.record
  if (state !== 'running' || !process || !(await isAlive(process))) return false
  signalProcess(process.pid, 'SIGINT')
  await waitForEnd(found)
  return true
}
