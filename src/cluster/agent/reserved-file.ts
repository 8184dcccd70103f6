import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { writeWhole } from '../protocol/layout.js'
import type { RunLosses } from './run-store.js'

/** One block of most file systems. */
const blockSize = 4096

/**
 * Takes room on the disk for a small file that is written later: its blocks, its inode and its place in the folder are
 * there then, however full the disk is.
 */
export function reserve(path: string): void {
  // Not a hole: only what was written has blocks of its own.
  writeFileSync(reservedPath(path), ' '.repeat(blockSize), { mode: 0o600, flag: 'wx', flush: true })
}

/** Writes a file whole, in the room that was reserved for it. What is JSON may have spaces behind it. */
export async function writeReserved(path: string, json: string): Promise<void> {
  const bytes = Buffer.from(json)
  const room = [reservedPath(path), path].find((each) => existsSync(each))
  if (room === undefined || bytes.length > blockSize) return writeWhole(path, json)
  overwrite(room, Buffer.concat([bytes, Buffer.alloc(blockSize - bytes.length, ' ')]))
  if (room !== path) renameSync(room, path)
}

function overwrite(path: string, bytes: Buffer): void {
  const file = openSync(path, 'r+')
  try {
    writeSync(file, bytes, 0, bytes.length, 0)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function reservedPath(path: string): string {
  return `${path}.reserved`
}

/** Notes in the folder of a run what the disk had no room for; the first of each kind. */
export async function recordLoss(folder: string, loss: RunLosses): Promise<void> {
  const file = join(folder, 'losses.json')
  await writeReserved(file, JSON.stringify({ ...loss, ...readLosses(file) })).catch(() => undefined)
}

function readLosses(file: string): RunLosses {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}

/** What is missing, as a line behind the log; nothing where all is there. */
export function describeLosses({ log, result }: RunLosses): string {
  const lines = [
    log && `[flambeau: the log may be incomplete: this host had no room for all of it (${log})]\n`,
    result && `[flambeau: the result is lost: this host had no room for it (${result})]\n`,
  ]
  return lines.filter(Boolean).join('')
}
