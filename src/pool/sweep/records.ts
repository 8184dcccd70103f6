import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ResourceError, throwNotWritten } from '../../errors.js'
import { writeAtomically } from '../../util/atomic-write.js'
import { repeatCommand } from '../../util/repeat-command.js'
import { editedResults, JsonLines, type Shape, shapeMismatch } from '../json-lines.js'
import { archiveFiles, type OwnFileNames } from '../results-store.js'
import type { SearchPlan } from './search.js'

/** A settled trial: one line of `results.jsonl`. */
export interface TrialRecord {
  readonly trial: string
  readonly key: string
  /** The chosen values by path. */
  readonly options: Readonly<Record<string, unknown>>
  /** The metric of its result, or of its last progress when it was stopped; absent when it failed. */
  readonly metric?: number
  readonly result?: unknown
  readonly durationMs: number
  readonly host: string
  readonly attempts: number
  /** Present when it was stopped early, as it was worse than the others. */
  readonly stopped?: true
  readonly error?: { readonly code: string; readonly message: string }
}

/** The file of the records in the folder of a sweep. */
export const recordsName = 'results.jsonl'

/**
 * Reads the records in a folder, in the order in which they were written. Skips a line that a crash has cut off.
 *
 * ```ts
 * const failed = (await readRecords('sweep')).filter(({ error }) => error !== undefined)
 * ```
 *
 * @throws `ResourceError` when somebody has edited a line.
 */
export function readRecords(folder: string): Promise<TrialRecord[]> {
  return JsonLines.readAll(join(folder, recordsName), recordMismatch)
}

const recordShape: Shape = {
  trial: 'string',
  key: 'string',
  options: 'object',
  metric: 'number?',
  durationMs: 'number',
  host: 'string',
  attempts: 'number',
  stopped: 'boolean?',
  error: 'object?',
}

function recordMismatch(item: object): string | undefined {
  const { metric, error } = item as Partial<TrialRecord>
  const why =
    shapeMismatch(item, recordShape) ?? (error && shapeMismatch(error, { code: 'string', message: 'string' }))
  return why ?? (metric === undefined && !error ? '"metric" is missing' : undefined)
}

/** The results of a sweep in its folder. */
export interface SweepData extends SweepDescription {
  readonly records: readonly TrialRecord[]
}

/**
 * Reads the results of a sweep.
 *
 * @throws {@link ResourceError} when the folder has none.
 */
export async function readSweep(folder: string): Promise<SweepData> {
  const description = await readDescription(folder)
  const records = description ? await readRecords(folder) : []
  if (description && records.length > 0) return { ...description, records }
  throw new ResourceError(
    `"${folder}" has no results of a sweep: name the "output" of one, such as "${repeatCommand(['report', 'sweep'])}"`,
    { code: 'NO_RESULTS' },
  )
}

/** Whether a metric is maximized or minimized. */
export type Goal = 'max' | 'min'

/** Records by their outcome. */
export interface Ranking {
  /** The best one first; among equal ones, the earlier one. */
  readonly ranked: readonly TrialRecord[]
  readonly stopped: readonly TrialRecord[]
  readonly failed: readonly TrialRecord[]
}

/** Sorts records with a result by their metric, and separates those that were stopped or have failed. */
export function rank(records: readonly TrialRecord[], goal: Goal): Ranking {
  const done = records.filter(({ error, stopped }) => !error && !stopped)
  const sign = goal === 'max' ? -1 : 1
  const ranked = done.toSorted((a, b) => sign * (a.metric! - b.metric!) || (a.trial < b.trial ? -1 : 1))
  return {
    ranked,
    stopped: records.filter(({ stopped }) => stopped),
    failed: records.filter(({ error }) => error),
  }
}

/** What the records do not contain: `sweep.json`. */
interface SweepDescription {
  readonly metric: string
  readonly goal: Goal
  /** How many trials the sweep has in all. */
  readonly trials: number
}

const descriptionName = 'sweep.json'

export async function writeDescription({ options, size }: SearchPlan): Promise<void> {
  const { metric, goal, output } = options
  const description: SweepDescription = { metric, goal, trials: size }
  const file = join(output, descriptionName)
  const text = `${JSON.stringify(description, null, 2)}\n`
  await writeAtomically(file, text, { mode: 0o666 }).catch(throwNotWritten(file))
}

/**
 * Reads the description of the sweep in a folder, if there is one.
 *
 * @throws {@link ResourceError} when somebody has edited it.
 */
export async function readDescription(folder: string): Promise<SweepDescription | undefined> {
  const file = join(folder, descriptionName)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const description = parseJson(text) as SweepDescription
  const shape = { metric: 'string', goal: 'string', trials: 'number' } as const
  const why =
    shapeMismatch(description, shape) ??
    (isGoal(description.goal) ? undefined : '"goal" must be "max" or "min"')
  if (why !== undefined) throw editedResults(`"${file}"`, why)
  return description
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isGoal(goal: string): goal is Goal {
  return goal === 'max' || goal === 'min'
}

/** What trials told `progress`. */
export const metricsName = 'metrics.jsonl'

/** The file of records that belong to no trial any more. */
export const othersName = 'results-old.jsonl'

/** The runnable file of the best trial. */
export const bestName = 'best.yaml'

/** The files that a sweep makes in its folder. */
const sweepFiles: OwnFileNames = {
  '': /^(?:best\.yaml|report\.html|sweep\.json|results\.jsonl|metrics\.jsonl|results-old\.jsonl)$/,
  failed: /^\d+\.(?:yaml|log)$/,
  results: /^\d+\.[0-9a-f]{12}\.json$/,
  tasks: /^\d+$/,
}
/** What a sweep would replace in a folder where none was. */
const replacedFiles: OwnFileNames = { '': /^(?:best\.yaml|results\.jsonl)$/ }

/** The records of an earlier run. */
export interface EarlierTrials {
  /** The records of trials that are not run again, each with the present number of its trial. */
  readonly kept: readonly TrialRecord[]
  /** The records that belong to no trial of this sweep. */
  readonly others: readonly TrialRecord[]
  /** Whether the files of the earlier run are archived. */
  readonly force: boolean
}

/** Opens `results.jsonl`, to which records are appended after those of an earlier run. */
export async function openRecords(folder: string, earlier: EarlierTrials): Promise<JsonLines<TrialRecord>> {
  await prepareFolder(folder, earlier)
  if (earlier.others.length > 0) await appendOthers(folder, earlier.others)
  const file = join(folder, recordsName)
  await JsonLines.replace(file, earlier.kept)
  return JsonLines.open(file)
}

async function appendOthers(folder: string, records: readonly TrialRecord[]): Promise<void> {
  const file = join(folder, othersName)
  await JsonLines.replace(file, [...(await JsonLines.readAll(file)), ...records])
}

// In a folder without a sweep, "best.yaml" is somebody else's.
async function prepareFolder(folder: string, { force }: EarlierTrials): Promise<void> {
  const best = join(folder, bestName)
  // A damaged description is set aside, too.
  if (force)
    await archiveFiles(folder, existsSync(join(folder, descriptionName)) ? sweepFiles : replacedFiles)
  else if (!(await readDescription(folder)) && existsSync(best)) throw foreignBestFile(best)
}

function foreignBestFile(file: string): ResourceError {
  const message = `"${file}" exists, but belongs to no sweep: name another "output", or add "--force" to archive it`
  return new ResourceError(message, { code: 'OUTPUT_EXISTS' })
}
