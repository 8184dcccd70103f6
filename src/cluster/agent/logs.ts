import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { MessageConnection } from '../protocol/connection.js'
import { runFolder } from '../protocol/layout.js'
import type { Reply, Request } from '../protocol/messages.js'
import { describeLosses } from './reserved-file.js'
import { isFinished, type RunLosses, readJson, statusOf } from './run-store.js'

const pieceSize = 1 << 16
const pauseMs = 50
const newline = 0x0a

/** Sends a run's log from an offset on; with `follow` until the run is over, or the other side has had enough. */
export async function logs(
  { cluster, id, offset, follow }: Request<'logs'>,
  wire: MessageConnection,
): Promise<void> {
  const patience = watchCancellation(wire)
  let at = offset
  for (;;) {
    // Looked at before the log is read: what is written meanwhile is part of it.
    const over = isFinished((await statusOf(cluster, id)).state)
    at = await sendLogFrom(join(runFolder(id), 'log'), at, wire)
    if (over) await sendLosses(id, wire)
    if (over || !follow || patience.over) return
    await delay(pauseMs)
  }
}

// A note within the log would need room itself.
async function sendLosses(id: string, wire: MessageConnection): Promise<void> {
  const losses = await readJson<RunLosses>(id, 'losses.json')
  const words = losses ? describeLosses(losses) : ''
  if (words !== '') await wire.sendChunk('stdout', Buffer.from(words))
}

/** Where the last lines of a run's log begin: read from its end, however long it is. */
export async function logStart({ cluster, id, tail }: Request<'logStart'>): Promise<Reply<'logStart'>> {
  await statusOf(cluster, id)
  const file = await open(join(runFolder(id), 'log')).catch(() => undefined)
  if (!file) return { offset: 0 }
  try {
    return { offset: await findLastLines(file, tail) }
  } finally {
    await file.close()
  }
}

async function findLastLines(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat()
  if (count === 0) return size
  let missing = count
  for (let end = size; end > 0; end -= pieceSize) {
    const start = Math.max(0, end - pieceSize)
    const piece = Buffer.alloc(end - start)
    const { bytesRead } = await file.read(piece, 0, piece.length, start)
    // The end of the log is that of its last line, not the beginning of another.
    const last = end === size ? bytesRead - 2 : bytesRead - 1
    for (let at = last; at >= 0; at--) if (piece[at] === newline && --missing === 0) return start + at + 1
  }
  return 0
}

async function sendLogFrom(path: string, offset: number, wire: MessageConnection): Promise<number> {
  const file = await open(path).catch(() => undefined)
  if (!file) return offset
  try {
    let at = offset
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(pieceSize), 0, pieceSize, at)
      if (bytesRead === 0) return at
      await wire.sendChunk('stdout', buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}

/** Answers when a run is over, with what it returned. */
export async function wait(
  { cluster, id }: Request<'wait'>,
  wire: MessageConnection,
): Promise<Reply<'wait'>> {
  const patience = watchCancellation(wire)
  for (;;) {
    const status = await statusOf(cluster, id)
    if (isFinished(status.state)) return { ...status, ...(await resultOf(id)) }
    if (patience.over) return status
    await delay(pauseMs)
  }
}

async function resultOf(id: string): Promise<{ result?: string }> {
  const result = await readJson<{ json: string }>(id, 'result.json')
  return result ? { result: result.json } : {}
}

/** Tells, whenever it is looked at, whether the other side has had enough of an answer, or is gone. */
function watchCancellation(wire: MessageConnection): { over: boolean } {
  const patience = { over: false }
  const end = (): void => {
    patience.over = true
  }
  wire.peek().then(end, end)
  return patience
}
