import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { MessageConnection } from '../protocol/connection.js'
import type { Reply, Request, RunStatus, Unwritten } from '../protocol/messages.js'
import { layout } from './home.js'
import { describeLosses, type RunLosses } from './reserved-file.js'
import { lookForNext } from './run-start.js'
import { isFinished, readJson, statusOf } from './run-store.js'

const pieceSize = 1 << 16
const pauseMs = 50
const newline = 0x0a

/** Sends the log or the events of a run from an offset on; with `follow`, until the run is over or the client cancels. */
export async function logs(
  { cluster, id, offset, follow, file = 'log' }: Request<'logs'>,
  connection: MessageConnection,
): Promise<void> {
  const cancellation = watchCancellation(connection)
  let position = offset
  for (;;) {
    // The status is read before the log, so that nothing that is written in between is missed.
    const finished = isFinished((await currentStatus(cluster, id)).state)
    position = await sendFileFrom(layout.run(id, file), position, connection)
    if (finished && file === 'log') await sendLosses(id, connection)
    if (finished || !follow || cancellation.requested) return
    await delay(pauseMs)
  }
}

/** The status of a run, which is started if it is its turn. */
export async function currentStatus(cluster: string, id: string): Promise<Unwritten<RunStatus>> {
  const status = await statusOf(cluster, id)
  if (status.state !== 'queued') return status
  await lookForNext(cluster)
  return statusOf(cluster, id)
}

// A note in the log itself would need space on the full disk.
async function sendLosses(id: string, connection: MessageConnection): Promise<void> {
  const losses = await readJson<RunLosses>(id, 'losses')
  const text = losses ? describeLosses(losses) : ''
  if (text !== '') await connection.sendChunk('stdout', Buffer.from(text))
}

/** Finds the byte at which the last lines of a log start; reads the log from its end. */
export async function logStart({ cluster, id, tail }: Request<'logStart'>): Promise<Reply<'logStart'>> {
  await statusOf(cluster, id)
  const file = await open(layout.run(id, 'log')).catch(() => undefined)
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
    // A newline at the end of the log ends its last line.
    const last = end === size ? bytesRead - 2 : bytesRead - 1
    for (let index = last; index >= 0; index--)
      if (piece[index] === newline && --missing === 0) return start + index + 1
  }
  return 0
}

async function sendFileFrom(path: string, offset: number, connection: MessageConnection): Promise<number> {
  const file = await open(path).catch(() => undefined)
  if (!file) return offset
  try {
    let position = offset
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(pieceSize), 0, pieceSize, position)
      if (bytesRead === 0) return position
      await connection.sendChunk('stdout', buffer.subarray(0, bytesRead))
      position += bytesRead
    }
  } finally {
    await file.close()
  }
}

/** Waits until a run is over; returns its status and result. */
export async function wait(
  { cluster, id }: Request<'wait'>,
  connection: MessageConnection,
): Promise<Unwritten<Reply<'wait'>>> {
  const cancellation = watchCancellation(connection)
  for (;;) {
    const status = await currentStatus(cluster, id)
    if (isFinished(status.state)) return { ...status, result: await resultOf(id) }
    if (cancellation.requested) return status
    await delay(pauseMs)
  }
}

async function resultOf(id: string): Promise<string | undefined> {
  const result = await readJson<{ json: string }>(id, 'result')
  return result?.json
}

/** Watches whether the client cancels the request or disconnects. */
function watchCancellation(connection: MessageConnection): { requested: boolean } {
  const cancellation = { requested: false }
  const request = (): void => {
    cancellation.requested = true
  }
  connection.peek().then(request, request)
  return cancellation
}
