import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ResourceError } from '../../errors.js'
import { JsonLines } from '../json-lines.js'
import { type MadeNames, setAside } from '../set-aside.js'
import { readDescription } from './description.js'
import { recordsName, type TrialRecord } from './records.js'

/** Where records go that a sweep has no trial for any more. */
export const othersName = 'results-old.jsonl'

/** The runnable file of the winner. */
export const bestName = 'best.yaml'

/** What a sweep makes in its folder. */
const made: MadeNames = {
  '': /^(?:best\.yaml|report\.html|sweep\.json|results\.jsonl|results-old\.jsonl)$/,
  failed: /^\d+\.(?:yaml|log)$/,
  results: /^\d+\.[0-9a-f]{12}\.json$/,
  tasks: /^\d+$/,
}
const bestAlone: MadeNames = { '': /^best\.yaml$/ }

/** What becomes of the records that an earlier run has left. */
export interface Earlier {
  /** Those whose trials are not done again, each with the number that its trial has now. */
  readonly kept: readonly TrialRecord[]
  /** Results that this sweep has no trial for. */
  readonly others: readonly TrialRecord[]
  /** Whatever is there is set aside. */
  readonly force?: boolean
}

/** Opens `results.jsonl`, to which records are appended as trials settle, behind those of an earlier run. */
export async function openRecords(folder: string, earlier: Earlier): Promise<JsonLines<TrialRecord>> {
  await makeRoom(folder, earlier)
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
  const isSweep = (await readDescription(folder)) !== undefined
  if (force) await setAside(folder, isSweep ? made : bestAlone)
  else if (!isSweep && existsSync(best)) throw isOther(best)
}

function isOther(file: string): ResourceError {
  const message = `"${file}" exists and is of no sweep: name another "output", or add "--force" to set it aside`
  return new ResourceError(message, { code: 'OUTPUT_EXISTS' })
}
