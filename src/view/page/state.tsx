import type { RunSummary } from '../data.js'

const signs: Readonly<Record<string, string>> = {
  queued: '⋯',
  starting: '◌',
  running: '▶',
  succeeded: '✓',
  done: '✓',
  failed: '✕',
  cancelled: '■',
  stopped: '■',
  lost: '?',
  incomplete: '◐',
}

/** The state of a run or a trial: a sign, a word and a colour. */
export function State({ state, exitCode }: { state: string; exitCode?: number | undefined }) {
  const code = exitCode ? ` (exit code ${exitCode})` : ''
  return (
    <span class={`state ${state}`}>
      <span aria-hidden="true">{signs[state] ?? ''}</span> {state}
      {code}
    </span>
  )
}

/** How long a run took, or has run, in milliseconds. */
export function durationOf({ startedAt, endedAt, state }: RunSummary): number | undefined {
  if (endedAt !== undefined) return Date.parse(endedAt) - Date.parse(startedAt)
  return state === 'running' ? Date.now() - Date.parse(startedAt) : undefined
}
