import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { JsonLines } from '../json-lines.js'
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
  await mkdir(folder, { recursive: true })
  if (earlier.force) await clear(folder)
  if (earlier.others.length > 0) await putAside(folder, earlier.others)
  const file = join(folder, recordsName)
  await JsonLines.replace(file, earlier.kept)
  return JsonLines.open(file)
}

async function putAside(folder: string, records: readonly TrialRecord[]): Promise<void> {
  const file = join(folder, othersName)
  await JsonLines.replace(file, [...(await JsonLines.all(file)), ...records])
}

async function clear(folder: string): Promise<void> {
  for (const made of ['failed', 'results', 'best.yaml', 'report.html', othersName])
    await rm(join(folder, made), { recursive: true, force: true })
}
