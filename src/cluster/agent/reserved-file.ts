import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeReserved as overwriteReserved } from '../../util/reserved-file.js'
import { runFiles } from '../protocol/layout.js'
import { writeDurably } from './home.js'
import type { RunLosses } from './run-store.js'

/** Writes JSON atomically, in the space that was reserved for it if that is enough. */
export async function writeReserved(path: string, json: string): Promise<void> {
  if (!overwriteReserved(path, json, { sync: true })) await writeDurably(path, json)
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
