import type { Ranking } from './ranking.js'
import type { TrialRecord } from './records.js'
import { duration, number, shown } from './wording.js'

/** So many rows are read; the rest is in the file. */
const mostRows = 20

/** The ranked table of a sweep, for a terminal. */
export function tableOf({ ranked, stopped }: Ranking, metric: string): string {
  const shown = [...ranked, ...stopped].slice(0, mostRows)
  const paths = Object.keys(shown[0]?.options ?? {})
  const head = ['rank', 'trial', metric, ...paths, 'time']
  const rows = shown.map((record, at) => rowOf(record, at, paths))
  const rest = ranked.length + stopped.length - shown.length
  const lines = aligned([head, ...rows])
  return [...lines, ...(rest > 0 ? [`... and ${rest} more in results.jsonl`] : [])].join('\n')
}

function rowOf(record: TrialRecord, at: number, paths: readonly string[]): string[] {
  const { trial, metric, options, durationMs, stopped } = record
  const chosen = paths.map((path) => text(options[path]))
  return [stopped ? 'stopped' : String(at + 1), trial, number(metric), ...chosen, duration(durationMs)]
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}

function text(value: unknown): string {
  const written = shown(value)
  return written.length > 40 ? `${written.slice(0, 39)}…` : written
}
