import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ask, Reply } from '../wire/protocol.js'
import type { Wire } from '../wire/wire.js'
import { lossesInWords } from './losses.js'
import { runFolder } from './paths.js'
import { patienceOf } from './patience.js'
import { isOver, type RunLosses, readJson, statusOf } from './run-files.js'

const pieceSize = 1 << 16
const pauseMs = 50
const newline = 0x0a

/** Sends a run's log from an offset on; with `follow` until the run is over, or the other side has had enough. */
export async function logs({ cluster, id, offset, follow }: Ask<'logs'>, wire: Wire): Promise<void> {
  const patience = patienceOf(wire)
  let at = offset
  for (;;) {
    // Looked at before the log is read: what is written meanwhile is part of it.
    const over = isOver((await statusOf(cluster, id)).state)
    at = await sendFrom(join(runFolder(id), 'log'), at, wire)
    if (over) await sendLosses(id, wire)
    if (over || !follow || patience.over) return
    await delay(pauseMs)
  }
}

// A note within the log would need room itself.
async function sendLosses(id: string, wire: Wire): Promise<void> {
  const losses = await readJson<RunLosses>(id, 'losses.json')
  const words = losses ? lossesInWords(losses) : ''
  if (words !== '') await wire.sendPiece('stdout', Buffer.from(words))
}

/** Where the last lines of a run's log begin: read from its end, however long it is. */
export async function logStart({ cluster, id, tail }: Ask<'logStart'>): Promise<Reply<'logStart'>> {
  await statusOf(cluster, id)
  const file = await open(join(runFolder(id), 'log')).catch(() => undefined)
  if (!file) return { offset: 0 }
  try {
    return { offset: await startOfLines(file, tail) }
  } finally {
    await file.close()
  }
}

async function startOfLines(file: FileHandle, count: number): Promise<number> {
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

async function sendFrom(path: string, offset: number, wire: Wire): Promise<number> {
  const file = await open(path).catch(() => undefined)
  if (!file) return offset
  try {
    let at = offset
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(pieceSize), 0, pieceSize, at)
      if (bytesRead === 0) return at
      await wire.sendPiece('stdout', buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}

/** Answers when a run is over, with what it returned. */
export async function wait({ cluster, id }: Ask<'wait'>, wire: Wire): Promise<Reply<'wait'>> {
  const patience = patienceOf(wire)
  for (;;) {
    const status = await statusOf(cluster, id)
    if (isOver(status.state)) return { ...status, ...(await resultOf(id)) }
    if (patience.over) return status
    await delay(pauseMs)
  }
}

async function resultOf(id: string): Promise<{ result?: string }> {
  const result = await readJson<{ json: string }>(id, 'result.json')
  return result ? { result: result.json } : {}
}
