import { join } from 'node:path'
import { UnsuccessfulRunnableError } from '../../errors.js'
import type { Logger } from '../../runnable/logger.js'
import { writeAtomically } from '../../util/atomic-write.js'
import { mistakeCode } from '../../util/exit-codes.js'
import { printable } from '../../util/printable.js'
import { notWritten } from '../not-written.js'
import { taskText } from '../task-text.js'
import type { Plan } from './plan.js'
import { type Ranking, rank } from './ranking.js'
import { bestName } from './record-file.js'
import type { TrialRecord } from './records.js'
import { tableOf } from './table.js'

/** What a sweep comes to. */
export interface SweepResult {
  /** The winner: its trial, what was chosen, its metric. */
  readonly best: Pick<TrialRecord, 'trial' | 'options' | 'metric'>
  readonly trials: number
  readonly failed: number
  readonly stopped: number
  /** The folder with `results.jsonl`, `best.yaml` and `failed/`. */
  readonly output: string
}

/**
 * Ranks what a sweep has, writes `best.yaml`, and shows the table.
 *
 * @throws {@link UnsuccessfulRunnableError} when no trial came to a result.
 */
export async function conclude(
  plan: Plan,
  records: readonly TrialRecord[],
  logger: Logger,
): Promise<SweepResult> {
  const { metric, goal, output } = plan.options
  const ranking = rank(records, goal)
  const [best] = ranking.ranked
  if (!best) throw noResult(ranking)
  const file = join(output, bestName)
  await writeAtomically(file, textOf(best, plan)).catch((cause) => {
    throw notWritten(file, cause)
  })
  logger.info(printable(tableOf(ranking, metric)))
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

// Made again: of all trials only their keys are kept.
function textOf({ trial }: TrialRecord, plan: Plan): string {
  const found = plan.find(trial)
  if (found) return taskText(found.task, plan.by)
  throw new UnsuccessfulRunnableError('The best trial is none of this sweep any more', { code: 'NO_RESULT' })
}

function noResult({ failed, stopped }: Ranking): UnsuccessfulRunnableError {
  const first = failed[0]?.error?.message
  const why = first === undefined ? `all ${stopped.length} were stopped` : `the first says: ${first}`
  const message = `No trial came to a result; ${why}`
  // Where no trial has the metric, the file names a wrong one.
  const isMistake = failed.length > 0 && failed.every(({ error }) => error?.code === 'NO_METRIC')
  return isMistake
    ? new UnsuccessfulRunnableError(message, { code: 'NO_METRIC', exitCode: mistakeCode })
    : new UnsuccessfulRunnableError(message, { code: 'NO_RESULT' })
}
