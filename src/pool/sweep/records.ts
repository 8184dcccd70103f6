import { join } from 'node:path'
import { JsonLines } from '../json-lines.js'

/** What is known of a trial that has settled: one line of `results.jsonl`. */
export interface TrialRecord {
  readonly trial: string
  readonly key: string
  /** What was chosen, by path. */
  readonly options: Readonly<Record<string, unknown>>
  /** The metric of its result; that of its last progress when it was stopped; absent when it failed. */
  readonly metric?: number
  readonly result?: unknown
  readonly durationMs: number
  readonly host: string
  readonly attempts: number
  /** It was ended early, being worse than the others. */
  readonly stopped?: true
  readonly error?: { readonly code: string; readonly message: string }
}

/** The file of the records in the folder of a sweep. */
export const recordsName = 'results.jsonl'

/**
 * The records in a folder, in the order of writing; a line that was cut off while it was written is none.
 *
 * ```ts
 * const failed = (await readRecords('sweep')).filter(({ error }) => error !== undefined)
 * ```
 */
export function readRecords(folder: string): Promise<TrialRecord[]> {
  return JsonLines.all(join(folder, recordsName))
}
