import { ResourceError } from '../../errors.js'
import { type Description, readDescription } from '../sweep/description.js'
import { readRecords, type TrialRecord } from '../sweep/records.js'

/** What a sweep has left in its folder. */
export interface SweepData extends Description {
  readonly records: readonly TrialRecord[]
}

/** @throws {@link ResourceError} when a folder has no results of a sweep. */
export async function readSweep(folder: string): Promise<SweepData> {
  const description = await readDescription(folder)
  const records = description ? await readRecords(folder) : []
  if (description && records.length > 0) return { ...description, records }
  throw new ResourceError(
    `"${folder}" has no results of a sweep: name the "output" of one, such as "flambeau report sweep"`,
    { code: 'NO_RESULTS' },
  )
}
