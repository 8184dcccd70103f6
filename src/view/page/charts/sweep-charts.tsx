import { useMemo, useState } from 'preact/hooks'
import { formatDuration, formatNumber, formatValue } from '../../../records/format.js'
import { axisFor } from '../analysis/axis.js'
import { importances, leastTrials } from '../analysis/importance.js'
import { type ParetoPoint, paretoFront } from '../analysis/pareto.js'
import type { SweepModel, Trial } from '../model.js'
import { Chart } from './chart.js'
import { CurveCharts } from './curve-charts.js'
import {
  compared,
  durationsOption,
  historyOption,
  importanceOption,
  measured,
  parallelOption,
  paretoOption,
  type Selected,
  sliceOption,
} from './options.js'

export interface SweepChartsProps {
  readonly sweep: SweepModel
  readonly selected: Selected
  readonly onSelect: (trial: string) => void
  /** Takes the trials that the brushes leave; nothing without brushes. */
  readonly onBrush: (trials: ReadonlySet<string> | undefined) => void
}

/** The charts of a sweep. */
export function SweepCharts({ sweep, selected, onSelect, onBrush }: SweepChartsProps) {
  const done = useMemo(() => measured(sweep.trials), [sweep])
  const trials = useMemo(() => compared(sweep.trials), [sweep])
  const options = useMemo(() => [...new Set(trials.flatMap((trial) => Object.keys(trial.options)))], [trials])
  const history = useMemo(() => historyOption(sweep, selected), [sweep, selected])
  const durations = useMemo(() => durationsOption(sweep, selected), [sweep, selected])
  if (trials.length === 0) return <p class="empty">There are no charts yet: no trial has a result.</p>
  return (
    <div class="charts">
      <Chart
        title={`${metricOf(sweep)} over the trials`}
        summary={historySummary(sweep, done, trials.length - done.length)}
        option={history}
        onSelect={onSelect}
      />
      <CurveCharts curves={sweep.curves} selected={selected} onSelect={onSelect} />
      <ImportanceChart done={done} metric={metricOf(sweep)} />
      <ParallelCoordinates {...{ sweep, trials, options, selected, onBrush }} />
      {options.map((option) => (
        <Slice key={option} {...{ sweep, trials, option, selected, onSelect }} />
      ))}
      <Pareto {...{ sweep, trials: done, selected, onSelect }} />
      <Chart
        title="Durations"
        summary={durationsSummary(sweep.trials)}
        option={durations}
        onSelect={onSelect}
      />
    </div>
  )
}

function metricOf({ objectives }: SweepModel): string {
  return objectives[0]?.name ?? 'metric'
}

function historySummary(sweep: SweepModel, done: readonly Trial[], stopped: number): string {
  const [objective] = sweep.objectives
  const isLess = objective?.goal === 'min'
  const rings = ringsText(stopped)
  if (done.length === 0) return `No trial has a result yet.${rings}`
  const best = done.reduce((a, b) => ((isLess ? b.metric! < a.metric! : b.metric! > a.metric!) ? b : a))
  const count = done.length === 1 ? 'One trial' : `${done.length} trials`
  return `${count} with a result. The ${isLess ? 'least' : 'greatest'} is ${formatNumber(best.metric!)}, of trial ${best.id}. The dashed line is the best so far.${rings}`
}

function ringsText(stopped: number): string {
  if (stopped === 0) return ''
  if (stopped === 1) return ' The ring is a trial that was stopped early, with its last value.'
  return ` The rings are ${stopped} trials that were stopped early, with their last values.`
}

function durationsSummary(trials: readonly Trial[]): string {
  const times = trials
    .flatMap(({ durationMs }) => (durationMs === undefined ? [] : [durationMs]))
    .sort((a, b) => a - b)
  if (times.length === 0) return 'No trial has ended.'
  return `From ${formatDuration(times[0]!)} to ${formatDuration(times.at(-1)!)}, median ${formatDuration(times[times.length >> 1]!)}.`
}

function ImportanceChart({ done, metric }: { done: readonly Trial[]; metric: string }) {
  const found = useMemo(() => importances(done), [done])
  const option = useMemo(() => importanceOption(found), [found])
  const method = `The share of the variance of ${metric} that each option explains by itself (correlation ratio, corrected for chance)`
  if (found.length === 0)
    return (
      <figure class="chart">
        <figcaption>
          <h3>Importance of the options</h3>
          <p>{`${method}: known from ${leastTrials} trials with a result on.`}</p>
        </figcaption>
      </figure>
    )
  const order = found.map(({ option: name, share }) => `${name} ${Math.round(share * 100)} %`).join(', ')
  return (
    <Chart
      title="Importance of the options"
      summary={`${method}: ${order}.`}
      height={Math.max(120, found.length * 32 + 40)}
      option={option}
    />
  )
}

interface PartProps {
  readonly sweep: SweepModel
  readonly trials: readonly Trial[]
  readonly selected: Selected
}

function ParallelCoordinates({
  sweep,
  trials,
  options,
  selected,
  onBrush,
}: PartProps & { options: readonly string[]; onBrush: SweepChartsProps['onBrush'] }) {
  const option = useMemo(() => parallelOption(sweep, options, selected), [sweep, options, selected])
  const onPositions = (positions: readonly number[] | undefined): void =>
    onBrush(positions && new Set(positions.flatMap((position) => trials[position]?.id ?? [])))
  return (
    <div class="wide">
      <Chart
        title="Parallel coordinates"
        summary={`One line a trial, through its ${options.length} options to ${metricOf(sweep)}. Draw along an axis to keep the trials in that range: the table shows the same ones. Click the axis to keep all.`}
        height={340}
        option={option}
        onBrush={onPositions}
      />
    </div>
  )
}

function Slice({
  sweep,
  trials,
  option: name,
  selected,
  onSelect,
}: PartProps & { option: string; onSelect: SweepChartsProps['onSelect'] }) {
  const option = useMemo(() => sliceOption(sweep, name, selected), [sweep, name, selected])
  return (
    <Chart
      title={`${metricOf(sweep)} against ${name}`}
      summary={sliceSummary(trials, name)}
      option={option}
      onSelect={onSelect}
    />
  )
}

const mostNamed = 6

function sliceSummary(trials: readonly Trial[], option: string): string {
  const values = trials
    .filter(({ options }) => Object.hasOwn(options, option))
    .map(({ options }) => options[option])
  const found = axisFor(values)
  const missing = trials.length - values.length
  const rest = missing > 0 ? ` ${missing} trials do not have it.` : ''
  if (found.kind === 'category') {
    const names = found.names.slice(0, mostNamed).map(formatValue).join(', ')
    return `${found.names.length} values: ${names}${found.names.length > mostNamed ? ', …' : ''}. Points of one value are spread.${rest}`
  }
  const numbers = (values as number[]).toSorted((a, b) => a - b)
  return `From ${formatNumber(numbers[0]!)} to ${formatNumber(numbers.at(-1)!)}${found.isLog ? ', on a logarithmic axis' : ''}.${rest}`
}

type Goal = 'max' | 'min'

function Pareto({
  sweep,
  trials: done,
  selected,
  onSelect,
}: PartProps & { onSelect: SweepChartsProps['onSelect'] }) {
  const names = useMemo(() => comparable(done), [done])
  const [first, second] = initialChoice(sweep, names)
  const [choice, choose] = useState<{ x?: string; y?: string; goalX?: Goal; goalY?: Goal }>({})
  const x = choice.x ?? first
  const y = choice.y ?? second
  const goalX = choice.goalX ?? goalOf(sweep, x)
  const goalY = choice.goalY ?? goalOf(sweep, y)
  const points = useMemo(() => pointsOf(done, x, y), [done, x, y])
  const front = useMemo(() => paretoFront(points, goalX, goalY), [points, goalX, goalY])
  const option = useMemo(
    () => paretoOption(points, front, { x, y, selected }),
    [points, front, x, y, selected],
  )
  if (names.length < 2) return null
  return (
    <div class="chart-with-controls">
      <Chart
        title="Pareto front"
        summary={`${front.length} of ${points.length} trials are not beaten in both values: ${front
          .slice(0, mostNamed)
          .map(({ id }) => id)
          .join(', ')}${front.length > mostNamed ? ', …' : ''}. The dashed line joins them.`}
        option={option}
        onSelect={onSelect}
      />
      <div class="controls">
        <ValueChoice
          label="Across"
          name={x}
          goal={goalX}
          names={names}
          onName={(name) => choose({ ...choice, x: name })}
          onGoal={(goal) => choose({ ...choice, goalX: goal })}
        />
        <ValueChoice
          label="Up"
          name={y}
          goal={goalY}
          names={names}
          onName={(name) => choose({ ...choice, y: name })}
          onGoal={(goal) => choose({ ...choice, goalY: goal })}
        />
      </div>
    </div>
  )
}

interface ValueChoiceProps {
  readonly label: string
  readonly name: string
  readonly goal: Goal
  readonly names: readonly string[]
  readonly onName: (name: string) => void
  readonly onGoal: (goal: Goal) => void
}

function ValueChoice({ label, name, goal, names, onName, onGoal }: ValueChoiceProps) {
  return (
    <span class="choice">
      <label>
        {label}
        <select value={name} onChange={(event) => onName(event.currentTarget.value)}>
          {names.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
      <label>
        <span class="hidden">{`Better for ${label}`}</span>
        <select value={goal} onChange={(event) => onGoal(event.currentTarget.value as Goal)}>
          <option value="max">more is better</option>
          <option value="min">less is better</option>
        </select>
      </label>
    </span>
  )
}

const duration = 'duration (s)'

/** The values that trials can be compared by. */
function comparable(done: readonly Trial[]): string[] {
  const names = new Set(done.flatMap(({ values }) => Object.keys(values)))
  return done.some(({ durationMs }) => durationMs !== undefined) ? [...names, duration] : [...names]
}

function initialChoice({ objectives }: SweepModel, names: readonly string[]): [string, string] {
  const wanted = [...objectives.map(({ name }) => name), ...names].filter((name) => names.includes(name))
  const [first = '', second = ''] = [...new Set(wanted)]
  return objectives.length > 1 ? [first, second] : [duration, first]
}

function goalOf({ objectives }: SweepModel, name: string): Goal {
  return (
    objectives.find((objective) => objective.name === name)?.goal ??
    (name === duration || /loss|error/i.test(name) ? 'min' : 'max')
  )
}

function pointsOf(done: readonly Trial[], x: string, y: string): ParetoPoint[] {
  const numberOf = ({ values, durationMs }: Trial, name: string): number | undefined =>
    name === duration ? (durationMs === undefined ? undefined : durationMs / 1000) : values[name]
  return done.flatMap((trial) => {
    const [a, b] = [numberOf(trial, x), numberOf(trial, y)]
    return a === undefined || b === undefined ? [] : [{ id: trial.id, x: a, y: b }]
  })
}
