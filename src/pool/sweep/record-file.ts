import { mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { JsonLines } from '../json-lines.js'
import { readDescription } from './description.js'
import { recordsName, type TrialRecord } from './records.js'

/** Where records go that a sweep has no trial for any more. */
export const othersName = 'results-old.jsonl'

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
  // Without a sweep there, nothing in it is one's.
  if (earlier.force && (await readDescription(folder))) await clear(folder)
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
