import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ResourceError } from '../../errors.js'
import { JsonLines } from '../json-lines.js'
import { readDescription } from './description.js'
import { recordsName, type TrialRecord } from './records.js'

/** Where records go that a sweep has no trial for any more. */
export const othersName = 'results-old.jsonl'

/** The runnable file of the winner. */
export const bestName = 'best.yaml'

/** What becomes of the records that an earlier run has left. */
export interface Earlier {
  /** Those whose trials are not done again, each with the number that its trial has now. */
  readonly kept: readonly TrialRecord[]
  /** Results that this sweep has no trial for. */
  readonly others: readonly TrialRecord[]
  /** Whatever is there is thrown away. */
  readonly force?: boolean
}

/** Opens `results.jsonl`, to which records are appended as trials settle, behind those of an earlier run. */
export async function openRecords(folder: string, earlier: Earlier): Promise<JsonLines<TrialRecord>> {
  await makeRoom(folder, earlier)
  await mkdir(folder, { recursive: true })
  if (earlier.others.length > 0) await putAside(folder, earlier.others)
  const file = join(folder, recordsName)
  await JsonLines.replace(file, earlier.kept)
  return JsonLines.open(file)
}

async function putAside(folder: string, records: readonly TrialRecord[]): Promise<void> {
  const file = join(folder, othersName)
  await JsonLines.replace(file, [...(await JsonLines.all(file)), ...records])
}

// Where no sweep was, nothing is one's.
async function makeRoom(folder: string, { force = false }: Earlier): Promise<void> {
  const best = join(folder, bestName)
  if (await readDescription(folder)) {
    if (force) await clear(folder)
  } else if (!force && existsSync(best)) throw isOther(best)
}

function isOther(file: string): ResourceError {
  const message = `"${file}" exists and is of no sweep: name another "output", or add "--force" to replace it`
  return new ResourceError(message, { code: 'OUTPUT_EXISTS' })
}

// The folder may be the user's own, with other things in it, even folders of the same names.
async function clear(folder: string): Promise<void> {
  await removeFiles(join(folder, 'failed'), failedName)
  await removeFiles(join(folder, 'results'), resultName)
  await removeFiles(folder, madeName)
}

const madeName = /^(?:best\.yaml|report\.html|results-old\.jsonl)$/
const failedName = /^\d+\.yaml$/
const resultName = /^\d+\.[0-9a-f]{12}\.json$/

/** Removes files with such names from a folder, and the folder when nothing else is in it. */
async function removeFiles(folder: string, name: RegExp): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries)
    if (entry.isFile() && name.test(entry.name)) await rm(join(folder, entry.name), { force: true })
  if (entries.length > 0) await rmdir(folder).catch(() => undefined)
}
