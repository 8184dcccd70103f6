import { useMemo, useState } from 'preact/hooks'
import { formatDuration, formatNumber, formatTime, formatValue } from '../../records/format.js'
import type { RunSummary } from '../data.js'
import { useRuns } from './source.js'
import { durationOf, State } from './state.js'
import { type Column, Table } from './table.js'

/** The list of runs. */
export function RunList() {
  const { value: list, error } = useRuns()
  const runs = list?.runs
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const choices = useMemo(() => choicesOf(runs ?? []), [runs])
  const columns = useMemo(() => columnsOf(choices.filter((choice) => chosen.has(choice))), [choices, chosen])
  const toggle = (choice: string): void => {
    const next = new Set(chosen)
    if (!next.delete(choice)) next.add(choice)
    setChosen(next)
  }
  return (
    <main>
      <h1>Runs</h1>
      {error && (
        <p class="notice" role="alert">
          {error}
        </p>
      )}
      {!runs && !error && <p class="empty">Reading the runs …</p>}
      {runs?.length === 0 && <p class="empty">There is no run yet: "flambeau run" records one.</p>}
      {runs && runs.length > 0 && (
        <Table
          caption="Runs"
          columns={columns}
          rows={runs}
          keyOf={({ id }) => id}
          controls={<Chooser {...{ choices, chosen, toggle }} />}
        />
      )}
      {list && list.total > list.runs.length && (
        <p class="notice">
          {`These are the latest ${list.runs.length} of ${list.total} runs: "flambeau runs --all" lists them.`}
        </p>
      )}
    </main>
  )
}

interface ChooserProps {
  readonly choices: readonly string[]
  readonly chosen: ReadonlySet<string>
  readonly toggle: (choice: string) => void
}

function Chooser({ choices, chosen, toggle }: ChooserProps) {
  if (choices.length === 0) return null
  return (
    <details class="chooser">
      <summary>{`Columns (${chosen.size})`}</summary>
      <fieldset>
        <legend class="hidden">Columns</legend>
        {choices.map((choice) => (
          <label key={choice}>
            <input type="checkbox" checked={chosen.has(choice)} onChange={() => toggle(choice)} />
            {choice}
          </label>
        ))}
      </fieldset>
    </details>
  )
}

/** What a column may show: options and values of results, by path. */
function choicesOf(runs: readonly RunSummary[]): string[] {
  const values = new Set<string>()
  const options = new Set<string>()
  for (const run of runs) {
    for (const name of Object.keys(run.values)) values.add(name)
    for (const path of Object.keys(run.options)) if (path !== '') options.add(path)
  }
  return [...[...values].sort(), ...[...options].filter((path) => !values.has(path)).sort()]
}

function columnsOf(chosen: readonly string[]): Column<RunSummary>[] {
  return [
    {
      key: 'id',
      label: 'Run',
      value: ({ id }) => id,
      cell: ({ id }) => <a href={`#/runs/${encodeURIComponent(id)}`}>{id}</a>,
    },
    { key: 'state', label: 'State', value: ({ state }) => state, cell: (run) => <State {...run} /> },
    { key: 'file', label: 'File', value: ({ file }) => file },
    { key: 'tag', label: 'Tag', value: ({ tag }) => tag },
    {
      key: 'started',
      label: 'Started',
      value: ({ startedAt }) => startedAt,
      cell: ({ startedAt }) => <time dateTime={startedAt}>{formatTime(startedAt)}</time>,
    },
    {
      key: 'duration',
      label: 'Duration',
      value: durationOf,
      cell: (run) => {
        const duration = durationOf(run)
        return duration === undefined ? '' : formatDuration(duration)
      },
    },
    { key: 'best', label: 'Best or result', value: headline },
    { key: 'where', label: 'Where', value: ({ host, cluster }) => cluster ?? host },
    ...chosen.map(
      (name): Column<RunSummary> => ({
        key: `value ${name}`,
        label: name,
        value: ({ values, options }) => comparableOf(values[name] ?? options[name]),
        cell: ({ values, options }) => formatValue(values[name] ?? options[name]),
      }),
    ),
  ]
}

function comparableOf(value: unknown): string | number | undefined {
  return typeof value === 'number' || value === undefined ? value : formatValue(value)
}

/** The best value of a sweep, or the first number of a result. */
function headline({ sweep, values }: RunSummary): string | undefined {
  const name = sweep?.metrics[0]?.name ?? Object.keys(values)[0]
  const value = name === undefined ? undefined : values[name]
  return value === undefined ? undefined : `${name} ${formatNumber(value)}`
}
