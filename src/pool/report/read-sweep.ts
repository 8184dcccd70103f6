import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ResourceError } from '../../errors.js'
import type { Goal } from '../sweep/ranking.js'
import { readRecords, type TrialRecord } from '../sweep/records.js'

/** What a sweep has left in its folder. */
export interface SweepData {
  readonly metric: string
  readonly goal: Goal
  /** How many trials it has in all. */
  readonly trials: number
  readonly records: readonly TrialRecord[]
}

/** @throws {@link ResourceError} when a folder has no results of a sweep. */
export async function readSweep(folder: string): Promise<SweepData> {
  const file = join(folder, 'sweep.json')
  const records = existsSync(file) ? await readRecords(folder) : []
  if (records.length === 0)
    throw new ResourceError(
      `"${folder}" has no results of a sweep: name the "output" of one, such as "flambeau report sweep"`,
      { code: 'NO_RESULTS' },
    )
  return { ...JSON.parse(await readFile(file, 'utf8')), records }
}
