import { ResultFile } from '../result-file.js'
import { metricOf } from './metric.js'
import type { Earlier } from './record-file.js'
import type { TrialRecord } from './records.js'

/** Results by another metric than they were ranked by; those of which it is not known count as others. */
export async function measuredAgain(earlier: Earlier, metric: string): Promise<Earlier> {
  const kept: TrialRecord[] = []
  const others = [...earlier.others]
  for (const record of earlier.kept) {
    const whole = await wholeOf(record)
    if (whole === undefined) others.push(record)
    else kept.push({ ...record, metric: metricOf(whole, metric) })
  }
  return { kept, others }
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
