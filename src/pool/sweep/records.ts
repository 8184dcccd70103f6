import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ResourceError, throwNotWritten } from '../../errors.js'
import type { Objective, TrialFailure, TrialState } from '../../records/events.js'
import { completeNeeds, needsText } from '../../runnable/needs.js'
import { writeAtomically } from '../../util/atomic-write.js'
import { isMapping } from '../../util/plain-object.js'
import { repeatCommand } from '../../util/repeat-command.js'
import { editedResults, JsonLines, type Shape, shapeMismatch } from '../json-lines.js'
import { archiveFiles, type OwnFileNames } from '../results-store.js'
import { frontRanks } from './pareto.js'
import type { SearchPlan } from './search.js'

/** A settled trial: one line of `results.jsonl`. */
export interface TrialRecord {
  readonly trial: string
  readonly key: string
  /** The chosen values by path. */
  readonly options: Readonly<Record<string, unknown>>
  /** The metric of its result, or of its last progress when it was stopped; absent when it failed. Of several metrics the first one. */
  readonly metric?: number
  /** The metrics by name, where the sweep has several. */
  readonly metrics?: Readonly<Record<string, number>>
  readonly result?: unknown
  readonly durationMs: number
  readonly host: string
  /** On a cluster: the worker host that has its folder, by the name that the cluster has for it. */
  readonly worker?: string
  readonly attempts: number
  /** The `seed` of its run options; absent in the results of an earlier version. */
  readonly seed?: number
  /** Present when it was stopped early, as it was worse than the others. A rule that pauses trials may resume it. */
  readonly stopped?: true
  /** The metric at the steps that it reported, `null` for NaN; only in sweeps that stop trials early. */
  readonly curve?: readonly (readonly [step: number, value: number | null])[]
  readonly error?: TrialFailure
}

/** How the trial of a record has ended. */
export function stateOf({ error, stopped }: TrialRecord): TrialState {
  if (error) return 'failed'
  return stopped ? 'stopped' : 'done'
}

/** The file of the records in the folder of a sweep. */
export const recordsName = 'results.jsonl'

/**
 * Reads the records in a folder, in the order in which they were written: of each trial the last one. Skips a line that a crash has
 * cut off.
 *
 * ```ts
 * const failed = (await readRecords('sweep')).filter(({ error }) => error !== undefined)
 * ```
 *
 * @throws `ResourceError` when somebody has edited a line.
 */
export async function readRecords(folder: string): Promise<TrialRecord[]> {
  const records = await JsonLines.readAll<TrialRecord>(join(folder, recordsName), recordMismatch)
  const last = new Map(records.map((record) => [record.trial, record]))
  return last.size === records.length
    ? records
    : records.filter((record) => last.get(record.trial) === record)
}

const recordShape: Shape = {
  trial: 'string',
  key: 'string',
  options: 'object',
  metric: 'number?',
  metrics: 'object?',
  durationMs: 'number',
  host: 'string',
  attempts: 'number',
  seed: 'number?',
  worker: 'string?',
  stopped: 'boolean?',
  error: 'object?',
}

function recordMismatch(item: object): string | undefined {
  const { metric, error } = item as Partial<TrialRecord>
  const why =
    shapeMismatch(item, recordShape) ??
    (error && shapeMismatch(error, { code: 'string', message: 'string', output: 'string?' }))
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
export type Goal = Objective['goal']

/** Records by their outcome. */
export interface Ranking {
  /**
   * The best one first; among equal ones, the earlier one. With several metrics, those that no other one dominates come first, in the
   * order of the first metric.
   */
  readonly ranked: readonly TrialRecord[]
  /** How many of these no other one dominates; 1 with one metric. */
  readonly frontSize: number
  /** Those that came further first, of these the better ones. */
  readonly stopped: readonly TrialRecord[]
  readonly failed: readonly TrialRecord[]
}

/** Sorts records with a result by their metrics, and separates those that were stopped or have failed. */
export function rank(records: readonly TrialRecord[], objectives: readonly Objective[]): Ranking {
  const done = records.filter(({ error, stopped }) => !error && !stopped)
  const [{ goal }] = objectives as [Objective]
  const sign = goal === 'max' ? -1 : 1
  const fronts =
    objectives.length > 1
      ? frontRanks(
          done.map((record) => valuesOf(record, objectives)!),
          objectives,
        )
      : []
  const keyed = done.map((record, index) => ({ record, front: fronts[index] ?? 0 }))
  keyed.sort(
    (a, b) =>
      a.front - b.front ||
      sign * (a.record.metric! - b.record.metric!) ||
      (a.record.trial < b.record.trial ? -1 : 1),
  )
  return {
    ranked: keyed.map(({ record }) => record),
    frontSize: fronts.length > 0 ? fronts.filter((front) => front === 0).length : Math.min(done.length, 1),
    stopped: records
      .filter(({ stopped }) => stopped)
      .toSorted((a, b) => lastStep(b) - lastStep(a) || sign * (a.metric! - b.metric!)),
    failed: records.filter(({ error }) => error),
  }
}

function lastStep({ curve }: TrialRecord): number {
  return curve?.at(-1)?.[0] ?? 0
}

/** The metrics of a record in the order of the objectives; `undefined` when it lacks one of them. */
export function valuesOf(
  { metric, metrics }: TrialRecord,
  objectives: readonly Objective[],
): readonly number[] | undefined {
  const values = objectives.length === 1 ? [metric] : objectives.map(({ name }) => metrics?.[name])
  return values.every((value) => value !== undefined) ? values : undefined
}

/** What the records do not contain: `sweep.json`. */
interface SweepDescription {
  readonly metrics: readonly Objective[]
  /** How many trials the sweep has in all. */
  readonly trials: number
  /** Names the folder of the trials on worker hosts; absent in a sweep of an earlier version. */
  readonly id?: string
  /** What each worker had, as `--needs` takes it, when the sweep states it. */
  readonly needs?: string | undefined
}

const descriptionName = 'sweep.json'

/** Writes the description, with the id of the sweep. */
export async function writeDescription({ options, objectives, size }: SearchPlan, id: string): Promise<void> {
  const needs = options.needs && needsText(completeNeeds(options.needs))
  const description: SweepDescription = { metrics: objectives, trials: size, id, needs }
  const file = join(options.output, descriptionName)
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
  const description = withMetricList(parseJson(text)) as SweepDescription
  const why =
    shapeMismatch(description, { trials: 'number', id: 'string?', needs: 'string?' }) ??
    (isObjectives(description.metrics) ? undefined : '"metrics" must list names and goals, "max" or "min"')
  if (why !== undefined) throw editedResults(`"${file}"`, why)
  return description
}

// Earlier versions wrote the name and the goal of one metric beside the number of trials.
function withMetricList(found: unknown): unknown {
  if (!isMapping(found) || typeof found['metric'] !== 'string') return found
  const { metric, goal, ...rest } = found
  return { ...rest, metrics: [{ name: metric, goal }] }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObjectives(metrics: unknown): metrics is Objective[] {
  const isObjective = ({ name, goal }: Objective): boolean =>
    typeof name === 'string' && (goal === 'max' || goal === 'min')
  return (
    Array.isArray(metrics) &&
    metrics.length > 0 &&
    metrics.every((each) => isMapping(each) && isObjective(each as never))
  )
}

/** What trials told `progress`. */
export const metricsName = 'metrics.jsonl'

/** The file of records that belong to no trial any more. */
export const othersName = 'results-old.jsonl'

/** The runnable file of the best trial. */
export const bestName = 'best.yaml'

/** The folder of the runnable files of the best trials, of a sweep with several metrics. */
export const frontName = 'best'

/** The files that a sweep makes in its folder. */
const sweepFiles: OwnFileNames = {
  '': /^(?:best\.yaml|report\.html|sweep\.json|results\.jsonl|metrics\.jsonl|results-old\.jsonl)$/,
  best: /^\d+\.yaml$/,
  failed: /^\d+\.(?:yaml|log)$/,
  results: /^\d+\.[0-9a-f]{12}\.json$/,
  tasks: /^\d+-[0-9a-f]{16}$/,
  logs: /^\d+-[0-9a-f]{16}\.log$/,
}
/** What a sweep would replace in a folder where none was. */
const replacedFiles: OwnFileNames = { '': /^(?:best\.yaml|results\.jsonl)$/, best: /^\d+\.yaml$/ }

/** The records of an earlier run. */
export interface EarlierTrials {
  /** The records of trials that are not run again, each with the present number of its trial. */
  readonly kept: readonly TrialRecord[]
  /** The records of trials that failed, and are run again, each with the present number of its trial. */
  readonly failed: readonly TrialRecord[]
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
  // The records of failed trials are replaced by those that come later.
  await JsonLines.replace(file, [...earlier.kept, ...earlier.failed])
  return JsonLines.open(file)
}

/** Rewrites the records of a sweep, with one for each trial. */
export function replaceRecords(folder: string, records: readonly TrialRecord[]): Promise<void> {
  return JsonLines.replace(join(folder, recordsName), records)
}

async function appendOthers(folder: string, records: readonly TrialRecord[]): Promise<void> {
  const file = join(folder, othersName)
  await JsonLines.replace(file, [...(await JsonLines.readAll(file)), ...records])
}

// In a folder without a sweep, "best.yaml" is somebody else's.
async function prepareFolder(folder: string, { force }: EarlierTrials): Promise<void> {
  // A damaged description is set aside, too.
  if (force)
    await archiveFiles(folder, existsSync(join(folder, descriptionName)) ? sweepFiles : replacedFiles)
  else if (!(await readDescription(folder)))
    for (const foreign of [bestName, frontName].map((name) => join(folder, name)))
      if (existsSync(foreign)) throw foreignBestFile(foreign)
}

function foreignBestFile(file: string): ResourceError {
  const message = `"${file}" exists, but belongs to no sweep: name another "output", or add "--force" to archive it`
  return new ResourceError(message, { code: 'OUTPUT_EXISTS' })
}
