import { useMemo } from 'preact/hooks'
import { formatNumber } from '../../../records/format.js'
import type { CurvePoint } from '../model.js'
import { Chart } from './chart.js'
import { curvesOption, mostCurves, type Selected } from './options.js'

export interface CurveChartsProps {
  /** By trial, or under the empty name for a run that is no sweep. */
  readonly curves: ReadonlyMap<string, readonly CurvePoint[]>
  readonly selected?: Selected
  readonly onSelect?: (trial: string) => void
}

const none: Selected = new Set()
/** The most charts: a progress may have hundreds of numbers. */
const mostCharts = 12

/** What was told to `progress`: one chart for each number. */
export function CurveCharts({ curves, selected = none, onSelect }: CurveChartsProps) {
  const names = useMemo(() => namesOf(curves), [curves])
  return (
    <>
      {names.slice(0, mostCharts).map((name) => (
        <Curves key={name} {...{ curves, name, selected, onSelect }} />
      ))}
      {names.length > mostCharts && (
        <p class="empty">{`${names.length - mostCharts} more numbers are not drawn.`}</p>
      )}
    </>
  )
}

function namesOf(curves: CurveChartsProps['curves']): string[] {
  const names = new Set<string>()
  for (const points of curves.values())
    for (const { values } of points) for (const name of Object.keys(values)) names.add(name)
  return [...names]
}

interface CurvesProps {
  readonly curves: CurveChartsProps['curves']
  readonly name: string
  readonly selected: Selected
  readonly onSelect: CurveChartsProps['onSelect']
}

function Curves({ curves, name, selected, onSelect }: CurvesProps) {
  const option = useMemo(() => curvesOption(curves, name, selected), [curves, name, selected])
  return (
    <Chart title={`${name} by step`} summary={summaryOf(curves, name)} option={option} onSelect={onSelect} />
  )
}

function summaryOf(curves: CurveChartsProps['curves'], name: string): string {
  const points = [...curves.values()].flat().flatMap(({ values }) => values[name] ?? [])
  const least = points.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const most = points.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const range = `from ${formatNumber(least)} to ${formatNumber(most)}`
  if (curves.size === 1)
    return `${points.length} values ${range}, the last one ${formatNumber(points.at(-1)!)}.`
  const drawn = curves.size > mostCurves ? ` The last ${mostCurves} and the chosen ones are drawn.` : ''
  return `${curves.size} trials, ${range}.${drawn}`
}
