import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Objective } from '../../records/events.js'
import { ResultFile } from '../result.js'
import { resultsOfOtherSweep } from '../results-store.js'
import { metricsOf } from './metric.js'
import { type EarlierTrials, readDescription, type TrialRecord } from './records.js'
import type { Combination, SearchPlan } from './search.js'

/**
 * Finds the records of an earlier run that belong to trials of this sweep. Failed trials are run again.
 *
 * @throws {@link ResourceError} when there are results, but none belongs to a trial.
 */
export async function matchEarlier(
  plan: SearchPlan,
  found: readonly TrialRecord[],
  signal: AbortSignal,
): Promise<EarlierTrials> {
  const { objectives } = plan
  const known = await Promise.all(found.map((record) => withMetrics(record, objectives)))
  const done = known.filter(({ error }) => !error)
  // Of two with the same options, the one with a result comes first.
  const all = await matchRecords(plan, [...done, ...known.filter(({ error }) => error)], signal)
  const failed = all.kept.filter(({ error }) => error)
  if (done.length === 0) return { kept: [], failed, others: all.others, force: false }
  const matched = { kept: all.kept.filter(({ error }) => !error), others: all.others }
  const before = await readDescription(plan.options.output)
  const isSame = before === undefined || isDeepStrictEqual(before.metrics, objectives)
  const { kept, others } = isSame ? matched : await remeasure(matched, objectives)
  if (kept.length === 0) throw resultsOfOtherSweep({ output: plan.options.output, count: done.length })
  return { kept, failed, others, force: false }
}

type Matched = Pick<EarlierTrials, 'kept' | 'others'>

/** How many trials of a sweep that was changed are compared with the earlier ones. */
const maxSearched = 1_000_000

async function matchRecords(
  plan: SearchPlan,
  found: readonly TrialRecord[],
  signal: AbortSignal,
): Promise<Matched> {
  if (plan.strategy) return matchByOptions(plan, found, signal)
  const byNumber = await matchByNumber(plan, found, signal)
  if (byNumber.others.length === 0) return byNumber
  return matchByKey(plan, byNumber, signal)
}

// What a strategy has chosen is known from the records alone.
async function matchByOptions(
  plan: SearchPlan,
  records: readonly TrialRecord[],
  signal: AbortSignal,
): Promise<Matched> {
  const kept: TrialRecord[] = []
  const others: TrialRecord[] = []
  for (const [index, record] of records.entries()) {
    if (index % 1000 === 0) await setImmediate()
    signal.throwIfAborted()
    const combination = plan.combinationOf(Number(record.trial), record.options)
    const isSame = combination !== undefined && (await plan.trial(combination)).key === record.key
    if (isSame) kept.push({ ...record, trial: combination.id })
    else others.push(record)
  }
  return { kept, others }
}

// Enough for most sweeps: each record belongs to the trial with its number.
async function matchByNumber(
  plan: SearchPlan,
  found: readonly TrialRecord[],
  signal: AbortSignal,
): Promise<Matched> {
  // As numbers: ids have more digits when there are more trials.
  const open = new Map(found.map((record) => [Number(record.trial), record]))
  const kept = new Map<TrialRecord, TrialRecord>()
  const most = [...open.keys()].reduce((a, b) => Math.max(a, b), 0)
  for await (const combination of firstCombinations(most, plan, signal)) {
    const record = open.get(Number(combination.id))
    if (record && record.key === (await plan.trial(combination)).key)
      kept.set(record, { ...record, trial: combination.id })
  }
  return { kept: [...kept.values()], others: found.filter((record) => !kept.has(record)) }
}

async function matchByKey(
  plan: SearchPlan,
  { kept, others }: Matched,
  signal: AbortSignal,
): Promise<Matched> {
  const taken = new Set(kept.map(({ trial }) => trial))
  const open = groupByKey(others)
  const found: TrialRecord[] = []
  for await (const combination of firstCombinations(maxSearched, plan, signal)) {
    if (found.length === others.length) break
    if (taken.has(combination.id)) continue
    const { id, key } = await plan.trial(combination)
    const record = open.get(key)?.shift()
    if (record) found.push({ ...record, trial: id })
  }
  const all = [...kept, ...found].sort((a, b) => Number(a.trial) - Number(b.trial))
  return { kept: all, others: [...open.values()].flat() }
}

// Lets Ctrl-C end the search.
async function* firstCombinations(
  most: number,
  plan: SearchPlan,
  signal: AbortSignal,
): AsyncGenerator<Combination> {
  let count = 0
  for (const combination of plan.combinations()) {
    if (++count > most) return
    if (count % 1000 === 0) await setImmediate()
    signal.throwIfAborted()
    yield combination
  }
}

function groupByKey(records: readonly TrialRecord[]): Map<string, TrialRecord[]> {
  const groups = new Map<string, TrialRecord[]>()
  for (const record of records) {
    const group = groups.get(record.key)
    if (group) group.push(record)
    else groups.set(record.key, [record])
  }
  return groups
}

/** Reads other metrics from the results. Trials whose result is not at hand count as others. */
async function remeasure(earlier: Matched, objectives: readonly Objective[]): Promise<Matched> {
  const kept: TrialRecord[] = []
  const others = [...earlier.others]
  let missing: unknown
  for (const record of earlier.kept)
    try {
      const result = await fullResult(record)
      const { metric: _, metrics: __, ...rest } = record
      if (result === undefined) others.push(record)
      else kept.push({ ...rest, ...metricsOf(result, objectives) })
    } catch (error) {
      missing ??= error
      others.push(record)
    }
  // When no trial has the metric, its name is wrong.
  if (kept.length === 0 && missing !== undefined) throw missing
  return { kept, others }
}

/** A record that failed only because it did not have the metrics, with the present ones if its result has them. */
async function withMetrics(record: TrialRecord, objectives: readonly Objective[]): Promise<TrialRecord> {
  if (record.error?.code !== 'NO_METRIC') return record
  const { error: _, ...rest } = record
  try {
    return { ...rest, ...metricsOf(await fullResult(record), objectives) }
  } catch {
    return record
  }
}

// `undefined` for a trial that was stopped, and for a large result on another host.
function fullResult({ result, stopped }: TrialRecord): unknown {
  if (stopped) return undefined
  return isResultFile(result)
    ? new ResultFile(result.path, result.bytes).read().catch(() => undefined)
    : result
}

function isResultFile(result: unknown): result is { path: string; bytes: number } {
  if (typeof result !== 'object' || result === null) return false
  return 'path' in result && typeof result.path === 'string' && 'bytes' in result
}
