import { noneOfThisSweep } from '../results-exist.js'
import { readDescription } from './description.js'
import { measuredAgain } from './measured-again.js'
import type { Plan } from './plan.js'
import type { Earlier } from './record-file.js'
import type { TrialRecord } from './records.js'

/**
 * Finds which records hold for a sweep, too; what failed is done again.
 *
 * @throws {@link ResourceError} when there are results, and none of them does.
 */
export async function earlierOf(plan: Plan, found: readonly TrialRecord[]): Promise<Earlier> {
  const done = found.filter(({ error }) => !error)
  if (done.length === 0) return { kept: [], others: [] }
  const { output, metric } = plan.options
  const matched = match(plan, done)
  const before = await readDescription(output)
  const sameMetric = before === undefined || before.metric === metric
  const earlier = sameMetric ? matched : await measuredAgain(matched, metric)
  if (earlier.kept.length === 0) throw noneOfThisSweep({ output, count: done.length })
  return earlier
}

// A random sweep may draw the same options twice: each of these trials has a result of its own.
function match(plan: Plan, done: readonly TrialRecord[]): Earlier {
  const open = byKey(done)
  const kept: TrialRecord[] = []
  for (const { id, key } of plan.trials()) {
    const record = open.get(key)?.shift()
    if (record) kept.push({ ...record, trial: id })
  }
  return { kept, others: [...open.values()].flat() }
}

function byKey(records: readonly TrialRecord[]): Map<string, TrialRecord[]> {
  const groups = new Map<string, TrialRecord[]>()
  for (const record of records) {
    const group = groups.get(record.key)
    if (group) group.push(record)
    else groups.set(record.key, [record])
  }
  return groups
}
