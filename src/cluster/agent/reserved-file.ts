import { existsSync, readFileSync } from 'node:fs'
import { link, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryBeside } from '../../util/atomic-write.js'
import { writeReserved as overwriteReserved, reservedPath } from '../../util/reserved-file.js'
import { codeOf } from '../../util/thrown.js'
import { runFiles } from '../protocol/layout.js'
import { writeDurably } from './home.js'

/** `losses.json`: what the disk had no space for. */
export interface RunLosses {
  /** The error code of the first failed write to the log. */
  readonly log?: string
  /** The same for the result. */
  readonly result?: string
}

/** Writes JSON atomically, in the space that was reserved for it if that is enough. */
export async function writeReserved(path: string, json: string): Promise<void> {
  if (!overwriteReserved(path, json, { sync: true })) await writeDurably(path, json)
}

/**
 * Creates a file with JSON, as a whole or not at all, in the space that was reserved for it. Returns `false` if it exists: of
 * several processes, one creates it.
 */
export async function createReserved(path: string, json: string): Promise<boolean> {
  if (existsSync(path)) return false
  const draft = temporaryBeside(path)
  try {
    // Only one process gets the space; without it, the others need what is left on the disk.
    await rename(reservedPath(path), reservedPath(draft)).catch(() => undefined)
    await writeReserved(draft, json)
    return await linkNew(draft, path)
  } finally {
    for (const each of [draft, reservedPath(draft)]) await rm(each, { force: true })
  }
}

async function linkNew(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || existsSync(path)) return false
    // Some file systems have no links, and a link needs an inode of a full one.
    await rename(draft, path)
    return true
  }
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
