import { rank, type SweepData, type TrialRecord } from '../pool/sweep/records.js'
import { formatValue } from '../records/format.js'

/** One chart: points, and perhaps a line of the best value so far. */
export interface Chart {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** The trial of each point. */
  readonly trials: readonly string[]
  readonly line?: readonly (readonly [x: number, y: number])[]
  /** The names along the x axis, when its values are not numbers. */
  readonly names?: readonly string[]
  readonly log?: boolean
  /** The ticks along the x axis, when it has few values; JSON omits them otherwise. */
  readonly ticks?: readonly number[] | undefined
}

/** The most values of which each has its tick. */
const maxTicks = 8
/** An axis is logarithmic when the largest value is at least this many times the smallest one. */
const logAxisRatio = 30

/** Makes the charts of a sweep: the metric over the trials, the metric against each option, and the durations. */
export function chartsOf(data: SweepData): Chart[] {
  const done = rank(data.records, data.goal).ranked.toSorted((a, b) => (a.trial < b.trial ? -1 : 1))
  if (done.length === 0) return []
  const paths = Object.keys(done[0]!.options)
  return [
    trialsChart(done, data),
    ...paths.map((path) => optionChart(done, path, data)),
    durationsChart(done),
  ]
}

function trialsChart(done: readonly TrialRecord[], { metric, goal }: SweepData): Chart {
  const better = goal === 'max' ? Math.max : Math.min
  let best = done[0]!.metric!
  const line = done.map(({ trial, metric: value }) => {
    best = better(best, value!)
    return [Number(trial), best] as const
  })
  const points = done.map(({ trial, metric: value }) => [Number(trial), value!] as const)
  return { title: `${metric} over the trials`, x: 'trial', y: metric, points, line, trials: trialNames(done) }
}

function optionChart(done: readonly TrialRecord[], path: string, { metric }: SweepData): Chart {
  const values = done.map(({ options }) => options[path])
  const chart = { title: `${metric} against ${path}`, x: path, y: metric, trials: trialNames(done) }
  if (values.every((value) => typeof value === 'number')) {
    const points = done.map(({ metric: y }, index) => [values[index] as number, y!] as const)
    const sorted = [...new Set(values as number[])].sort((a, b) => a - b)
    const ticks = sorted.length <= maxTicks ? sorted : undefined
    return { ...chart, points, log: isWide(sorted), ticks }
  }
  const names = [...new Set(values.map(formatValue))]
  const points = done.map(({ metric: y }, index) => [names.indexOf(formatValue(values[index])), y!] as const)
  return { ...chart, points, names }
}

function durationsChart(done: readonly TrialRecord[]): Chart {
  const points = done.map(({ trial, durationMs }) => [Number(trial), durationMs / 1000] as const)
  return { title: 'Durations', x: 'trial', y: 'seconds', points, trials: trialNames(done) }
}

function trialNames(done: readonly TrialRecord[]): string[] {
  return done.map(({ trial }) => trial)
}

function isWide(sorted: readonly number[]): boolean {
  const [smallest, largest] = [sorted[0]!, sorted.at(-1)!]
  return smallest > 0 && largest / smallest >= logAxisRatio
}
