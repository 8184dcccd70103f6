import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { formatDuration, formatNumber, formatTime, formatValue } from '../../records/format.js'
import type { RunDetail } from '../data.js'
import { CurveCharts } from './charts/curve-charts.js'
import { SweepCharts } from './charts/sweep-charts.js'
import { Command } from './copy.js'
import type { Trial } from './model.js'
import { logOfTrial, ranked } from './parse.js'
import { Pre } from './pre.js'
import type { LoadedRun } from './source.js'
import { durationOf, State } from './state.js'
import { type Column, Table } from './table.js'

/** One run: what it is, its charts, its trials, its file and its log. */
export function RunPage({ run }: { run: LoadedRun }) {
  const { detail, sweep, log } = run
  const isSweep = detail.sweep !== undefined
  return (
    <main>
      <h1>
        {detail.file} <State {...detail} />
      </h1>
      <Facts detail={detail} />
      <Failure detail={detail} />
      {isSweep ? <SweepPart run={run} /> : <Result detail={detail} />}
      {!isSweep && sweep.curves.size > 0 && (
        <Section title="Progress">
          <div class="charts">
            <CurveCharts curves={sweep.curves} />
          </div>
        </Section>
      )}
      <OptionsPart detail={detail} />
      {detail.yaml !== undefined && <Text title="File" text={detail.yaml} />}
      {run.isLogCut && (
        <p class="notice">Of a long log, only the last 2 MB are shown: see the record for all of it.</p>
      )}
      {log !== '' && <Text title="Log" text={log} follows />}
      <Environment detail={detail} />
    </main>
  )
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  const id = `section-${title.toLowerCase().replace(/\W+/g, '-')}`
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  )
}

function Facts({ detail }: { detail: RunDetail }) {
  const duration = durationOf(detail)
  const commit =
    detail.commit && `${detail.commit.slice(0, 12)}${detail.isDirty ? ', with uncommitted changes' : ''}`
  const facts: (readonly [string, string | undefined])[] = [
    ['Run', detail.id],
    ['Started', formatTime(detail.startedAt)],
    ['Duration', duration === undefined ? undefined : formatDuration(duration)],
    ['Where', detail.cluster === undefined ? detail.host : `cluster ${detail.cluster}, from ${detail.host}`],
    ['User', detail.user],
    ['Commit', commit],
  ]
  return (
    <>
      <dl class="facts">
        {facts.map(([name, value]) =>
          value === undefined || value === '' ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      {detail.command !== '' && <Command text={detail.command} />}
    </>
  )
}

function Failure({ detail: { error, problems = [] } }: { detail: RunDetail }) {
  if (error === undefined && problems.length === 0) return null
  const texts =
    problems.length > 0
      ? problems.map(
          ({ message, file, line, column, frame }) => `${message}\n\n  ${file}:${line}:${column}\n${frame}`,
        )
      : [error!]
  return (
    <Section title="Error">
      {texts.map((text) => (
        <Pre key={text} label="Error" text={text} isError />
      ))}
    </Section>
  )
}

function Result({ detail: { result } }: { detail: RunDetail }) {
  if (result === undefined) return null
  const text = typeof result === 'string' ? result : JSON.stringify(result, null, 2)
  return <Text title="Result" text={text} />
}

function OptionsPart({ detail: { options } }: { detail: RunDetail }) {
  const rows = Object.entries(options)
  const columns: Column<(typeof rows)[number]>[] = [
    { key: 'path', label: 'Option', value: ([path]) => (path === '' ? '(tag)' : path) },
    { key: 'value', label: 'Value', value: ([, value]) => formatValue(value) },
  ]
  if (rows.length === 0) return null
  return (
    <Section title="Options">
      <Table
        caption="Options"
        columns={columns}
        rows={rows}
        keyOf={([path]) => path}
        hasFilter={rows.length > 10}
      />
    </Section>
  )
}

function Environment({ detail: { environment } }: { detail: RunDetail }) {
  const rows = Object.entries(environment ?? {})
  if (rows.length === 0) return null
  return (
    <Section title="Environment">
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  )
}

function Text({ title, text, follows = false }: { title: string; text: string; follows?: boolean }) {
  return (
    <Section title={title}>
      <Pre label={title} text={text} follows={follows} />
    </Section>
  )
}

function SweepPart({ run }: { run: LoadedRun }) {
  const { detail, sweep } = run
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const [brushed, setBrushed] = useState<ReadonlySet<string>>()
  const order = useMemo(() => ranked(sweep.trials, detail), [sweep, detail])
  const columns = useMemo(() => trialColumns(sweep.trials, order, detail), [sweep, order, detail])
  const best = useMemo(() => order.slice(0, 5), [order])
  const all = useMemo(() => {
    const places = new Map(order.map(({ id }, index) => [id, index]))
    const rows = sweep.trials.toSorted(
      (a, b) =>
        (places.get(a.id) ?? Infinity) - (places.get(b.id) ?? Infinity) || Number(a.id) - Number(b.id),
    )
    return brushed ? rows.filter(({ id }) => brushed.has(id)) : rows
  }, [sweep, order, brushed])
  const toggle = (id: string): void => {
    const next = new Set(selected)
    if (!next.delete(id)) next.add(id)
    setSelected(next)
  }
  const table = { columns, keyOf: ({ id }: Trial) => id, selected, onSelect: toggle }
  return (
    <>
      <Summary run={run} order={order} />
      {best.length > 0 && (
        <Section title="Best trials">
          <Table caption="Best trials" {...table} rows={best} hasFilter={false} />
        </Section>
      )}
      <Chosen {...{ run, selected, toggle }} />
      <Section title="Charts">
        <SweepCharts sweep={sweep} selected={selected} onSelect={toggle} onBrush={setBrushed} />
      </Section>
      <Section title="All trials">
        <Table
          caption="All trials"
          {...table}
          rows={all}
          controls={brushed && <span class="notice">Only the trials that the brushes leave</span>}
        />
      </Section>
      <Failures run={run} />
    </>
  )
}

function Summary({ run: { detail, sweep }, order }: { run: LoadedRun; order: readonly Trial[] }) {
  const count = (state: Trial['state']): number =>
    sweep.trials.filter((trial) => trial.state === state).length
  const [best] = order
  const [objective] = sweep.objectives
  const counts = [
    `${order.length} of ${sweep.total} trials done`,
    ...(['running', 'stopped', 'failed'] as const).flatMap((state) =>
      count(state) > 0 ? [`${count(state)} ${state}`] : [],
    ),
  ]
  const isRunning = detail.state === 'running'
  return (
    <div class="summary">
      {best && objective && (
        <p class="best">
          <span class="label">{`${objective.name} (${objective.goal === 'min' ? 'less' : 'more'} is better)`}</span>
          <strong>{formatNumber(best.metric!)}</strong>
          <span>{`trial ${best.id}: ${describeOptions(best)}`}</span>
        </p>
      )}
      <p class="counts">{counts.join(', ')}</p>
      {isRunning && (
        <progress
          max={sweep.total}
          value={sweep.trials.filter(({ state }) => state !== 'running').length}
          aria-label="Trials that have ended"
        />
      )}
    </div>
  )
}

function describeOptions({ options }: Trial): string {
  return Object.entries(options)
    .map(([path, value]) => `${path}=${formatValue(value)}`)
    .join(' ')
}

function trialColumns(trials: readonly Trial[], order: readonly Trial[], detail: RunDetail): Column<Trial>[] {
  const places = new Map(order.map(({ id }, index) => [id, index + 1]))
  const options = [...new Set(trials.flatMap((trial) => Object.keys(trial.options)))]
  const metric = detail.sweep?.metrics[0]?.name
  const others = [...new Set(trials.flatMap(({ values }) => Object.keys(values)))].filter(
    (name) => name !== metric,
  )
  const numeric = (
    key: string,
    label: string,
    value: (trial: Trial) => number | undefined,
  ): Column<Trial> => ({
    key,
    label,
    value,
    cell: (trial) => {
      const number = value(trial)
      return number === undefined ? '' : formatNumber(number)
    },
  })
  return [
    numeric('rank', 'Rank', ({ id }) => places.get(id)),
    { key: 'trial', label: 'Trial', value: ({ id }) => id },
    {
      key: 'state',
      label: 'State',
      value: ({ state }) => state,
      cell: ({ state }) => <State state={state} />,
    },
    numeric('metric', metric ?? 'metric', (trial) => trial.metric),
    ...options.map(
      (path): Column<Trial> => ({
        key: `option ${path}`,
        label: path,
        value: (trial) => {
          const value = trial.options[path]
          return typeof value === 'number' || value === undefined ? value : formatValue(value)
        },
        cell: (trial) => formatValue(trial.options[path]),
      }),
    ),
    ...others
      .slice(0, mostOthers)
      .map((name) => numeric(`value ${name}`, name, ({ values }) => values[name])),
    {
      key: 'duration',
      label: 'Duration',
      value: ({ durationMs }) => durationMs,
      cell: ({ durationMs }) => (durationMs === undefined ? '' : formatDuration(durationMs)),
    },
    { key: 'host', label: 'Host', value: ({ host }) => host },
  ]
}

/** The most columns for numbers of results besides the metric. */
const mostOthers = 6

interface ChosenProps {
  readonly run: LoadedRun
  readonly selected: ReadonlySet<string>
  readonly toggle: (id: string) => void
}

function Chosen({ run, selected, toggle }: ChosenProps) {
  const trials = run.sweep.trials.filter(({ id }) => selected.has(id))
  return (
    <div aria-live="polite">
      {trials.length > 0 && (
        <Section title="Chosen trials">
          <div class="chosen">
            {trials.map((trial) => (
              <ChosenTrial key={trial.id} {...{ run, trial, toggle }} />
            ))}
          </div>
        </Section>
      )}
    </div>
  )
}

function ChosenTrial({ run, trial, toggle }: Omit<ChosenProps, 'selected'> & { trial: Trial }) {
  const log = logOfTrial(run.trialLog, trial.id)
  const curve = run.sweep.curves.get(trial.id)
  const curves = useMemo(() => new Map(curve ? [[trial.id, curve]] : []), [curve, trial.id])
  return (
    <article>
      <h3>
        {`Trial ${trial.id}`} <State state={trial.state} />
        <button type="button" onClick={() => toggle(trial.id)} aria-label={`Close trial ${trial.id}`}>
          Close
        </button>
      </h3>
      <p>{describeOptions(trial)}</p>
      {trial.error && <TrialError trial={trial} />}
      {trial.file !== undefined && <Named name="File" text={trial.file} trial={trial.id} />}
      {log !== '' && <Named name="Log" text={log} trial={trial.id} />}
      {trial.result !== undefined && (
        <Named name="Result" text={JSON.stringify(trial.result, null, 2)} trial={trial.id} />
      )}
      {curve && (
        <div class="charts">
          <CurveCharts curves={curves} />
        </div>
      )}
    </article>
  )
}

function TrialError({ trial: { id, error } }: { trial: Trial }) {
  return (
    <>
      <Pre label={`Error of trial ${id}`} text={error?.message ?? ''} isError />
      {error?.output !== undefined && <Named name="Output" text={error.output} trial={id} />}
    </>
  )
}

function Named({ name, text, trial }: { name: string; text: string; trial: string }) {
  return (
    <>
      <h4>{name}</h4>
      <Pre label={`${name} of trial ${trial}`} text={text} />
    </>
  )
}

function Failures({ run: { detail, sweep } }: { run: LoadedRun }) {
  const failed = sweep.trials.filter(({ state }) => state === 'failed')
  const [isAll, setAll] = useState(false)
  if (failed.length === 0) return null
  const shown = isAll ? failed : failed.slice(0, mostFailures)
  return (
    <Section title="Failures">
      {shown.map((trial) => (
        <article key={trial.id} class="failure">
          <h3>{`Trial ${trial.id}`}</h3>
          <p>{describeOptions(trial)}</p>
          <TrialError trial={trial} />
          {detail.sweep && detail.sweep.repeat !== '' && isNumber(trial.id) && (
            <Command text={repeatCommand(detail.sweep.repeat, trial)} />
          )}
        </article>
      ))}
      {!isAll && failed.length > shown.length && (
        <button type="button" onClick={() => setAll(true)}>{`Show all ${failed.length}`}</button>
      )}
    </Section>
  )
}

// The results of an earlier version have no seed.
function repeatCommand(template: string, { id, seed }: Trial): string {
  const command = seed === undefined ? template.replace(/ --seed '?\{seed\}'?/, '') : template
  return command.replaceAll('{trial}', id).replace(/'?\{seed\}'?/, String(seed))
}

const mostFailures = 20

// A stranger's results may have any text for a number, which must not become part of a command.
function isNumber(id: string): boolean {
  return /^\d+$/.test(id)
}
