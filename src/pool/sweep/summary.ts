import { join } from 'node:path'
import { throwNotWritten, UnsuccessfulRunnableError } from '../../errors.js'
import type { Logger } from '../../logger.js'
import { formatDuration, formatNumber, formatValue } from '../../records/format.js'
import { writeAtomically } from '../../util/atomic-write.js'
import { mistakeCode } from '../../util/exit-codes.js'
import { printable } from '../../util/printable.js'
import { taskText } from '../task-file.js'
import { bestName, type Ranking, rank, type TrialRecord } from './records.js'
import type { SearchPlan } from './search.js'

/** The result of a sweep. */
export interface SweepResult {
  /** The best trial, with its options and its metric. */
  readonly best: Pick<TrialRecord, 'trial' | 'options' | 'metric'>
  readonly trials: number
  readonly failed: number
  readonly stopped: number
  /** The folder with `results.jsonl`, `best.yaml` and `failed/`. */
  readonly output: string
}

/**
 * Ranks the trials of a sweep, writes `best.yaml`, and logs the table.
 *
 * @throws {@link UnsuccessfulRunnableError} when no trial has a result.
 */
export async function summarize(
  plan: SearchPlan,
  records: readonly TrialRecord[],
  logger: Logger,
): Promise<SweepResult> {
  const { metric, goal, output } = plan.options
  const ranking = rank(records, goal)
  const [best] = ranking.ranked
  if (!best) throw noResultError(ranking)
  const file = join(output, bestName)
  await writeAtomically(file, await bestText(best, plan)).catch(throwNotWritten(file))
  logger.info(printable(rankingTable(ranking, metric)))
  const { failed, stopped } = ranking
  if (failed.length > 0) logger.warn(`${failed.length} failed: their files are in ${join(output, 'failed')}`)
  return {
    best: { trial: best.trial, options: best.options, metric: best.metric! },
    trials: records.length,
    failed: failed.length,
    stopped: stopped.length,
    output,
  }
}

// Constructed again, as only the keys of the trials are in memory.
async function bestText({ trial }: TrialRecord, plan: SearchPlan): Promise<string> {
  const found = await plan.find(trial)
  if (found) return taskText(found.task, plan.fileOptions)
  throw new UnsuccessfulRunnableError('The best trial is no longer part of this sweep', { code: 'NO_RESULT' })
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
function rankingTable({ ranked, stopped }: Ranking, metric: string): string {
  const records = [...ranked, ...stopped].slice(0, maxRows)
  const paths = Object.keys(records[0]?.options ?? {})
  const head = ['rank', 'trial', metric, ...paths, 'time']
  const rows = records.map((record, index) => tableRow(record, index, paths))
  const lines = alignColumns([head, ...rows])
  const rest = ranked.length + stopped.length - records.length
  if (rest > 0) lines.push(`... and ${rest} more in results.jsonl`)
  return lines.join('\n')
}

function tableRow(record: TrialRecord, index: number, paths: readonly string[]): string[] {
  const { trial, metric, options, durationMs, stopped } = record
  const values = paths.map((path) => cellText(options[path]))
  return [
    stopped ? 'stopped' : String(index + 1),
    trial,
    formatNumber(metric),
    ...values,
    formatDuration(durationMs),
  ]
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
