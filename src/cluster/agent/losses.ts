import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeReserved } from './reserved.js'
import type { RunLosses } from './run-files.js'

/** Notes in the folder of a run what the disk had no room for; the first of each kind. */
export async function noteLoss(folder: string, loss: RunLosses): Promise<void> {
  const file = join(folder, 'losses.json')
  await writeReserved(file, JSON.stringify({ ...loss, ...lossesIn(file) })).catch(() => undefined)
}

function lossesIn(file: string): RunLosses {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}

/** What is missing, as a line behind the log; nothing where all is there. */
export function lossesInWords({ log, result }: RunLosses): string {
  const lines = [
    log && `[flambeau: the log may be incomplete: this host had no room for all of it (${log})]\n`,
    result && `[flambeau: the result is lost: this host had no room for it (${result})]\n`,
  ]
  return lines.filter(Boolean).join('')
}
