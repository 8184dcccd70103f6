import { setImmediate as turn } from 'node:timers/promises'
import { noneOfThisSweep } from '../results-exist.js'
import { readDescription } from './description.js'
import { measuredAgain, withMetric } from './measured-again.js'
import type { Combination, Plan } from './plan.js'
import type { Earlier } from './record-file.js'
import type { TrialRecord } from './records.js'

/**
 * Finds which records hold for a sweep, too; what failed is done again.
 *
 * @throws {@link ResourceError} when there are results, and none of them does.
 */
export async function earlierOf(
  plan: Plan,
  found: readonly TrialRecord[],
  signal: AbortSignal,
): Promise<Earlier> {
  const { output, metric } = plan.options
  const known = await Promise.all(found.map((record) => withMetric(record, metric)))
  const done = known.filter(({ error }) => !error)
  if (done.length === 0) return { kept: [], others: [] }
  const matched = await match(plan, done, signal)
  const before = await readDescription(output)
  const sameMetric = before === undefined || before.metric === metric
  const earlier = sameMetric ? matched : await measuredAgain(matched, metric)
  if (earlier.kept.length === 0) throw noneOfThisSweep({ output, count: done.length })
  return earlier
}

/** A sweep that was changed is searched for its earlier trials no further than this. */
const furthest = 1_000_000

async function match(plan: Plan, done: readonly TrialRecord[], signal: AbortSignal): Promise<Earlier> {
  const byNumber = await matchByNumber(plan, done, signal)
  if (byNumber.others.length === 0) return byNumber
  return matchByKey(plan, byNumber, signal)
}

// What most sweeps need that go on: each record is that of the trial with its number.
async function matchByNumber(
  plan: Plan,
  done: readonly TrialRecord[],
  signal: AbortSignal,
): Promise<Earlier> {
  // By number: more trials give each id more digits.
  const open = new Map(done.map((record) => [Number(record.trial), record]))
  const kept = new Map<TrialRecord, TrialRecord>()
  const most = [...open.keys()].reduce((a, b) => Math.max(a, b), 0)
  for await (const combination of upTo(most, plan, signal)) {
    const record = open.get(Number(combination.id))
    if (record && record.key === plan.trial(combination).key)
      kept.set(record, { ...record, trial: combination.id })
  }
  return { kept: [...kept.values()], others: done.filter((record) => !kept.has(record)) }
}

// A random sweep may draw the same options twice: each of these trials has a result of its own.
async function matchByKey(plan: Plan, { kept, others }: Earlier, signal: AbortSignal): Promise<Earlier> {
  const taken = new Set(kept.map(({ trial }) => trial))
  const open = byKey(others)
  const found: TrialRecord[] = []
  for await (const combination of upTo(furthest, plan, signal)) {
    if (found.length === others.length) break
    if (taken.has(combination.id)) continue
    const { id, key } = plan.trial(combination)
    const record = open.get(key)?.shift()
    if (record) found.push({ ...record, trial: id })
  }
  const all = [...kept, ...found].sort((a, b) => Number(a.trial) - Number(b.trial))
  return { kept: all, others: [...open.values()].flat() }
}

// Ctrl-C is heard between them, however many there are.
async function* upTo(most: number, plan: Plan, signal: AbortSignal): AsyncGenerator<Combination> {
  let count = 0
  for (const combination of plan.combinations()) {
    if (++count > most) return
    if (count % 1000 === 0) await turn()
    signal.throwIfAborted()
    yield combination
  }
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
