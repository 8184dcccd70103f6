import { join } from 'node:path'
import { JsonLines } from '../json-lines.js'
import { misfit, type Shape } from '../stored-shape.js'

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
 *
 * @throws `ResourceError` when a line is none that a sweep has written.
 */
export function readRecords(folder: string): Promise<TrialRecord[]> {
  return JsonLines.all(join(folder, recordsName), notRecord)
}

const recordShape: Shape = {
  trial: 'string',
  key: 'string',
  options: 'object',
  metric: 'number?',
  durationMs: 'number',
  host: 'string',
  attempts: 'number',
  stopped: 'boolean?',
  error: 'object?',
}

function notRecord(item: object): string | undefined {
  const { metric, error } = item as Partial<TrialRecord>
  const why = misfit(item, recordShape) ?? (error && misfit(error, { code: 'string', message: 'string' }))
  return why ?? (metric === undefined && !error ? '"metric" is missing' : undefined)
}
