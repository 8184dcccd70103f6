import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { throwNotWritten, UnsuccessfulRunnableError } from '../../errors.js'
import type { Logger } from '../../logger.js'
import type { Objective } from '../../records/events.js'
import { formatDuration, formatNumber, formatValue } from '../../records/format.js'
import { writeAtomically } from '../../util/atomic-write.js'
import { mistakeCode } from '../../util/exit-codes.js'
import { printable } from '../../util/printable.js'
import { taskText } from '../task-file.js'
import { bestName, frontName, type Ranking, rank, type TrialRecord, valuesOf } from './records.js'
import type { SearchPlan } from './search.js'

/** The result of a sweep. */
export interface SweepResult {
  /** The best trial, with its options and its metric; with several metrics, the first one of the {@link front}. */
  readonly best: BestTrial
  /** With several metrics: the trials that no other one dominates, in the order of the first metric. */
  readonly front?: readonly BestTrial[]
  readonly trials: number
  readonly failed: number
  readonly stopped: number
  /** The folder with `results.jsonl`, `best.yaml` and `failed/`; with several metrics, with `best/01.yaml` and so on. */
  readonly output: string
}

/** One of the best trials of a sweep. */
export type BestTrial = Pick<TrialRecord, 'trial' | 'options' | 'metric' | 'metrics'>

/**
 * Ranks the trials of a sweep, writes `best.yaml` or the files in `best/`, and logs the table.
 *
 * @throws {@link UnsuccessfulRunnableError} when no trial has a result.
 */
export async function summarize(
  plan: SearchPlan,
  records: readonly TrialRecord[],
  logger: Logger,
): Promise<SweepResult> {
  const { objectives, options } = plan
  const { output } = options
  const ranking = rank(records, objectives)
  const best = ranking.ranked.slice(0, ranking.frontSize)
  if (best.length === 0) throw noResultError(ranking)
  const hasFront = objectives.length > 1
  await (hasFront ? writeFront(best, plan) : writeBest(best[0]!, join(output, bestName), plan))
  logger.info(printable(rankingTable(ranking, objectives)))
  const { failed, stopped } = ranking
  if (failed.length > 0) logger.warn(`${failed.length} failed: their files are in ${join(output, 'failed')}`)
  const [first, ...others] = best.map(bestTrial) as [BestTrial, ...BestTrial[]]
  return {
    best: first,
    ...(hasFront && { front: [first, ...others] }),
    trials: records.length,
    failed: failed.length,
    stopped: stopped.length,
    output,
  }
}

function bestTrial({ trial, options, metric, metrics }: TrialRecord): BestTrial {
  return { trial, options, metric: metric!, ...(metrics && { metrics }) }
}

async function writeFront(best: readonly TrialRecord[], plan: SearchPlan): Promise<void> {
  const folder = join(plan.options.output, frontName)
  await mkdir(folder, { recursive: true }).catch(throwNotWritten(folder))
  const width = Math.max(2, String(best.length).length)
  const names = best.map((_, index) => `${String(index + 1).padStart(width, '0')}.yaml`)
  for (const [index, record] of best.entries()) await writeBest(record, join(folder, names[index]!), plan)
  // Those of an earlier, longer front.
  for (const name of await readdir(folder))
    if (/^\d+\.yaml$/.test(name) && !names.includes(name)) await rm(join(folder, name))
}

// Constructed again, as only the options of the trials are in memory.
async function writeBest({ trial, options }: TrialRecord, file: string, plan: SearchPlan): Promise<void> {
  const combination = plan.combinationOf(Number(trial), options)
  if (!combination)
    throw new UnsuccessfulRunnableError('The best trial is no longer part of this sweep', {
      code: 'NO_RESULT',
    })
  const text = taskText((await plan.trial(combination)).task, plan.fileOptions)
  await writeAtomically(file, text).catch(throwNotWritten(file))
}

function noResultError({ failed, stopped }: Ranking): UnsuccessfulRunnableError {
  const first = failed[0]?.error?.message
  const why = first === undefined ? `all ${stopped.length} were stopped` : `the first one failed: ${first}`
  const message = `No trial has a result: ${why}`
  // When no trial has the metric, its name in the file is wrong.
  const isMistake = failed.length > 0 && failed.every(({ error }) => error?.code === 'NO_METRIC')
  return isMistake
    ? new UnsuccessfulRunnableError(message, { code: 'NO_METRIC', exitCode: mistakeCode })
    : new UnsuccessfulRunnableError(message, { code: 'NO_RESULT' })
}

/** The most rows of the table; all trials are in the file. */
const maxRows = 20

/** The ranked table of a sweep, for a terminal. */
function rankingTable({ ranked, frontSize, stopped }: Ranking, objectives: readonly Objective[]): string {
  const records = [...ranked, ...stopped].slice(0, maxRows)
  const paths = [...new Set(records.flatMap(({ options }) => Object.keys(options)))]
  const head = ['rank', 'trial', ...objectives.map(({ name }) => name), ...paths, 'time']
  const hasFront = objectives.length > 1
  const rows = records.map((record, index) => {
    const place = hasFront && index < frontSize ? 'best' : String(index + 1)
    return [record.stopped ? 'stopped' : place, ...tableRow(record, objectives, paths)]
  })
  const lines = alignColumns([head, ...rows])
  const rest = ranked.length + stopped.length - records.length
  if (rest > 0) lines.push(`... and ${rest} more in results.jsonl`)
  return lines.join('\n')
}

function tableRow(record: TrialRecord, objectives: readonly Objective[], paths: readonly string[]): string[] {
  const { trial, options, durationMs, metric } = record
  const metrics = valuesOf(record, objectives) ?? [metric!]
  // A trial has no value where it did not take the branch of a choice.
  const values = paths.map((path) => (path in options ? cellText(options[path]) : ''))
  return [trial, ...metrics.map(formatNumber), ...values, formatDuration(durationMs)]
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}

function cellText(value: unknown): string {
  const written = formatValue(value)
  return written.length > 40 ? `${written.slice(0, 39)}…` : written
}
