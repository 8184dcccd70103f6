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
import { runFiles } from '../protocol/layout.js'
import { writeDurably } from './home.js'
import type { RunLosses } from './run-store.js'

/** One block of most file systems. */
const blockSize = 4096

/**
 * Reserves disk space for a small file that is written later: its block, inode and directory entry exist then,
 * however full the disk is.
 */
export function reserve(path: string): void {
  // Spaces are written, since a sparse file has no blocks.
  writeFileSync(reservedPath(path), ' '.repeat(blockSize), { mode: 0o600, flag: 'wx', flush: true })
}

/** Writes JSON atomically, in the space that was reserved for it; spaces fill the rest of the block. */
export async function writeReserved(path: string, json: string): Promise<void> {
  const bytes = Buffer.from(json)
  const reserved = [reservedPath(path), path].find((each) => existsSync(each))
  if (reserved === undefined || bytes.length > blockSize) return writeDurably(path, json)
  overwrite(reserved, Buffer.concat([bytes, Buffer.alloc(blockSize - bytes.length, ' ')]))
  if (reserved !== path) renameSync(reserved, path)
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

/** Records in the folder of a run that the disk had no space for its log or result; keeps the first error of each. */
export async function recordLoss(folder: string, loss: RunLosses): Promise<void> {
  const file = join(folder, runFiles.losses)
  await writeReserved(file, JSON.stringify({ ...loss, ...readLosses(file) })).catch(() => undefined)
}

function readLosses(file: string): RunLosses {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}

/** Describes the losses, in lines that follow the log. */
export function describeLosses({ log, result }: RunLosses): string {
  const lines = [
    log && `[flambeau: the log may be incomplete: this host had no space for all of it (${log})]\n`,
    result && `[flambeau: the result is lost: this host had no space for it (${result})]\n`,
  ]
  return lines.filter(Boolean).join('')
}
