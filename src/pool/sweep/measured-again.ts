import { ResultFile } from '../result-file.js'
import { metricOf } from './metric.js'
import type { Earlier } from './record-file.js'
import type { TrialRecord } from './records.js'

/** Results by another metric than they were ranked by; those of which it is not known count as others. */
export async function measuredAgain(earlier: Earlier, metric: string): Promise<Earlier> {
  const kept: TrialRecord[] = []
  const others = [...earlier.others]
  let missing: unknown
  for (const record of earlier.kept)
    try {
      const whole = await wholeOf(record)
      if (whole === undefined) others.push(record)
      else kept.push({ ...record, metric: metricOf(whole, metric) })
    } catch (error) {
      missing ??= error
      others.push(record)
    }
  // Where no trial has it, the name is the mistake.
  if (kept.length === 0 && missing !== undefined) throw missing
  return { kept, others }
}

/** A record that failed for want of a metric alone, with the metric that is asked for now, if its result has that. */
export async function withMetric(record: TrialRecord, metric: string): Promise<TrialRecord> {
  if (record.error?.code !== 'NO_METRIC') return record
  const { error: _, ...rest } = record
  try {
    return { ...rest, metric: metricOf(await wholeOf(record), metric) }
  } catch {
    return record
  }
}

// One that was stopped has none, and a large one may lie on another host.
function wholeOf({ result, stopped }: TrialRecord): unknown {
  if (stopped) return undefined
  return isFile(result) ? new ResultFile(result.path, result.bytes).read().catch(() => undefined) : result
}

function isFile(result: unknown): result is { path: string; bytes: number } {
  if (typeof result !== 'object' || result === null) return false
  return 'path' in result && typeof result.path === 'string' && 'bytes' in result
}
