import { formatNumber, formatValue } from '../../../records/format.js'
import { axisFor, nameOf, spread } from '../analysis/axis.js'
import type { Importance } from '../analysis/importance.js'
import type { ParetoPoint } from '../analysis/pareto.js'
import type { CurvePoint, SweepModel, Trial } from '../model.js'
import type { Theme } from '../theme.js'
import type { ChartOption } from './chart.js'

/** The trials that are marked in every chart. */
export type Selected = ReadonlySet<string>

const grid = { left: 64, right: 28, top: 28, bottom: 48 }

function axis(theme: Theme, name: string, more: object = {}): object {
  return {
    name,
    nameLocation: 'middle',
    nameGap: 30,
    nameTextStyle: { color: theme.text, fontFamily: theme.font, fontSize: 12 },
    axisLabel: { color: theme.muted, fontFamily: theme.font, hideOverlap: true, formatter: formatValue },
    axisLine: { onZero: false, lineStyle: { color: theme.line } },
    axisTick: { lineStyle: { color: theme.line } },
    splitLine: { lineStyle: { color: theme.line, opacity: 0.5 } },
    ...more,
  }
}

function valueAxis(theme: Theme, name: string): object {
  return axis(theme, name, { type: 'value', scale: true, nameGap: 48 })
}

function tooltip(theme: Theme, more: object = {}): object {
  return {
    // Drawn on the canvas: a name of a user is never HTML.
    renderMode: 'richText',
    confine: true,
    backgroundColor: theme.background,
    borderColor: theme.line,
    textStyle: { color: theme.text, fontFamily: theme.font, fontSize: 12 },
    ...more,
  }
}

interface Point {
  readonly value: readonly [number, number]
  readonly trial: string
  /** The mark of a trial that was stopped early; others are filled circles. */
  readonly symbol?: 'emptyCircle'
}

/** Points of trials, those that are selected on top, as larger diamonds with their numbers. */
function points(theme: Theme, data: readonly Point[], selected: Selected, y: string): object[] {
  const label = ({ data: { value, trial } }: { data: Point }): string =>
    `trial ${trial}\n${y} ${formatNumber(value[1])}`
  return [
    {
      type: 'scatter',
      name: 'trials',
      data,
      symbolSize: data.length > 1000 ? 4 : 8,
      itemStyle: { color: theme.accent, opacity: data.length > 1000 ? 0.5 : 0.8 },
      tooltip: { formatter: label },
      progressive: 2000,
    },
    {
      type: 'scatter',
      name: 'chosen trials',
      data: data.filter(({ trial }) => selected.has(trial)),
      symbol: 'diamond',
      symbolSize: 16,
      z: 5,
      itemStyle: { color: theme.second, borderColor: theme.background, borderWidth: 2 },
      label: {
        show: true,
        position: 'top',
        color: theme.text,
        fontFamily: theme.font,
        formatter: ({ data: { trial } }: { data: Point }) => trial,
      },
      tooltip: { formatter: label },
    },
  ]
}

/** Trials with a result. */
export function measured(trials: readonly Trial[]): Trial[] {
  return trials.filter(({ metric, state }) => state === 'done' && metric !== undefined)
}

/** Trials with a metric: of those that were stopped early, the last one that they reported. */
export function compared(trials: readonly Trial[]): Trial[] {
  return trials.filter(
    ({ metric, state }) => (state === 'done' || state === 'stopped') && metric !== undefined,
  )
}

function markOf({ id, state }: Trial): Pick<Point, 'trial' | 'symbol'> {
  return state === 'stopped' ? { trial: id, symbol: 'emptyCircle' } : { trial: id }
}

/** The metric over the trials, and the best one so far. */
export function historyOption(sweep: SweepModel, selected: Selected): (theme: Theme) => ChartOption {
  const [objective] = sweep.objectives
  const name = objective?.name ?? 'metric'
  const done = measured(sweep.trials)
  const data = compared(sweep.trials).map((trial) => ({
    value: [Number(trial.id), trial.metric!] as const,
    ...markOf(trial),
  }))
  const better = objective?.goal === 'min' ? Math.min : Math.max
  let best = done[0]?.metric ?? 0
  const line = done.map(({ id, metric }) => {
    best = better(best, metric!)
    return [Number(id), best]
  })
  return (theme) => ({
    grid,
    tooltip: tooltip(theme),
    xAxis: axis(theme, 'trial', { type: 'value', min: 'dataMin', max: 'dataMax', minInterval: 1 }),
    yAxis: valueAxis(theme, name),
    series: [
      ...points(theme, data, selected, name),
      {
        type: 'line',
        name: 'best so far',
        step: 'end',
        data: line,
        showSymbol: false,
        silent: true,
        lineStyle: { color: theme.text, type: 'dashed', width: 2 },
      },
    ],
  })
}

/** How long the trials took. */
export function durationsOption(sweep: SweepModel, selected: Selected): (theme: Theme) => ChartOption {
  const data = sweep.trials
    .filter(({ durationMs }) => durationMs !== undefined)
    .map(({ id, durationMs }) => ({ value: [Number(id), durationMs! / 1000] as const, trial: id }))
  return (theme) => ({
    grid,
    tooltip: tooltip(theme),
    xAxis: axis(theme, 'trial', { type: 'value', min: 'dataMin', max: 'dataMax', minInterval: 1 }),
    yAxis: valueAxis(theme, 'seconds'),
    series: points(theme, data, selected, 'seconds'),
  })
}

/** The metric against an option. */
export function sliceOption(
  sweep: SweepModel,
  option: string,
  selected: Selected,
): (theme: Theme) => ChartOption {
  const name = sweep.objectives[0]?.name ?? 'metric'
  const trials = compared(sweep.trials).filter(({ options }) => Object.hasOwn(options, option))
  const found = axisFor(trials.map(({ options }) => options[option]))
  const at = (value: unknown, index: number): number =>
    found.kind === 'number' ? Number(value) : found.names.indexOf(nameOf(value)) + spread(index)
  const data = trials.map((trial, index) => ({
    value: [at(trial.options[option], index), trial.metric!] as const,
    ...markOf(trial),
  }))
  const title = found.kind === 'number' && found.isLog ? `${option} (log)` : option
  return (theme) => ({
    grid,
    tooltip: tooltip(theme),
    xAxis:
      found.kind === 'number'
        ? axis(theme, title, { type: found.isLog ? 'log' : 'value', scale: true })
        : categoryAxis(theme, title, found.names),
    yAxis: valueAxis(theme, name),
    series: points(theme, data, selected, name),
  })
}

// A number axis, as points of one category stand beside each other.
function categoryAxis(theme: Theme, title: string, names: readonly string[]): object {
  const label = (value: number): string => shortened(names[value] ?? '')
  const base = axis(theme, title, { type: 'value', min: -0.5, max: names.length - 0.5, interval: 1 }) as {
    axisLabel: object
  }
  return {
    ...base,
    minInterval: 1,
    axisLabel: { ...base.axisLabel, customValues: names.map((_, index) => index), formatter: label },
    splitLine: { show: false },
  }
}

function shortened(text: string): string {
  return text.length > 18 ? `${text.slice(0, 17)}…` : text
}

/** How many curves are drawn besides those of chosen trials. */
export const mostCurves = 200

/** What trials told `progress`, one line a trial. */
export function curvesOption(
  curves: ReadonlyMap<string, readonly CurvePoint[]>,
  name: string,
  selected: Selected,
): (theme: Theme) => ChartOption {
  const ids = [...curves.keys()]
  const drawn = [
    ...ids.filter((id) => !selected.has(id)).slice(-mostCurves),
    ...ids.filter((id) => selected.has(id)),
  ]
  const series = drawn.map((id) => ({
    id,
    data: curves
      .get(id)!
      .flatMap(({ step, values }) => (values[name] === undefined ? [] : [[step, values[name]]])),
  }))
  const isSingle = series.length === 1
  return (theme) => ({
    grid,
    tooltip: tooltip(theme, {
      trigger: isSingle ? 'axis' : 'item',
      formatter: (params: unknown) => curveLabel(params, name),
    }),
    xAxis: axis(theme, 'step', { type: 'value', min: 'dataMin', max: 'dataMax' }),
    yAxis: valueAxis(theme, name),
    series: series.map(({ id, data }) => ({
      type: 'line',
      name: id === '' ? name : `trial ${id}`,
      data,
      triggerLineEvent: true,
      showSymbol: data.length === 1 || selected.has(id),
      symbol: selected.has(id) ? 'diamond' : 'circle',
      symbolSize: selected.has(id) ? 7 : 4,
      z: selected.has(id) ? 5 : 2,
      lineStyle: {
        color: selected.has(id) ? theme.second : theme.accent,
        width: selected.has(id) || isSingle ? 2.5 : 1,
        opacity: selected.has(id) || isSingle ? 1 : 0.35,
      },
      itemStyle: { color: selected.has(id) ? theme.second : theme.accent },
      sampling: 'lttb',
      endLabel: { show: selected.has(id), formatter: id, color: theme.text, fontFamily: theme.font },
    })),
  })
}

function curveLabel(params: unknown, name: string): string {
  const [first] = (Array.isArray(params) ? params : [params]) as { seriesName?: string; value?: number[] }[]
  const [step, value] = first?.value ?? []
  const trial = /^trial /.test(first?.seriesName ?? '') ? `${first!.seriesName}\n` : ''
  return step === undefined
    ? trial
    : `${trial}step ${step}\n${name} ${value === undefined ? '' : formatNumber(value)}`
}

/** One line a trial across all options and the metric; an axis can be brushed. */
export function parallelOption(
  sweep: SweepModel,
  options: readonly string[],
  selected: Selected,
): (theme: Theme, width: number) => ChartOption {
  const name = sweep.objectives[0]?.name ?? 'metric'
  const trials = compared(sweep.trials)
  const axes = options.map((option) => ({
    option,
    found: axisFor(trials.map((trial) => trial.options[option])),
  }))
  const data = trials.map((trial) => ({
    trial: trial.id,
    value: [
      ...axes.map(({ option, found }) => {
        const value = trial.options[option]
        if (value === undefined) return '-'
        return found.kind === 'number' ? value : nameOf(value)
      }),
      trial.metric!,
    ],
  }))
  const isMany = data.length > 500
  return (theme, width) => ({
    tooltip: tooltip(theme, {
      formatter: ({ data: line }: { data: { trial: string; value: unknown[] } }) =>
        [
          `trial ${line.trial}`,
          ...options.map((each, index) => `${each} ${formatValue(line.value[index])}`),
          `${name} ${formatValue(line.value.at(-1))}`,
        ].join('\n'),
    }),
    parallel: {
      left: 72,
      right: 72,
      top: 44,
      bottom: 24,
      axisExpandable: width < 90 * axes.length,
      axisExpandCount: Math.max(2, Math.floor(width / 100)),
      axisExpandWidth: 90,
      axisExpandTriggerOn: 'click',
      parallelAxisDefault: {
        nameTextStyle: { color: theme.text, fontFamily: theme.font, fontSize: 12 },
        nameTruncate: { maxWidth: Math.max(80, width / (axes.length + 1) - 16) },
        axisLine: { lineStyle: { color: theme.muted } },
        axisTick: { lineStyle: { color: theme.muted } },
        axisLabel: {
          color: theme.text,
          textBorderColor: theme.background,
          textBorderWidth: 3,
          fontFamily: theme.font,
          formatter: (value: unknown) => shortened(formatValue(value)),
        },
        areaSelectStyle: { width: 18, borderColor: theme.second, color: theme.second, opacity: 0.3 },
        realtime: !isMany,
      },
    },
    parallelAxis: [
      ...axes.map(({ option, found }, dim) => ({
        dim,
        name: found.kind === 'number' && found.isLog ? `${option} (log)` : option,
        ...(found.kind === 'category'
          ? { type: 'category', data: [...found.names] }
          : { type: found.isLog ? 'log' : 'value', scale: true }),
      })),
      { dim: axes.length, name, type: 'value', scale: true },
    ],
    series: [
      {
        type: 'parallel',
        name: 'trials',
        data,
        lineStyle: { color: theme.accent, width: 1, opacity: isMany ? 0.15 : 0.45 },
        activeOpacity: isMany ? 0.4 : 0.9,
        inactiveOpacity: 0.04,
        progressive: 500,
        smooth: false,
      },
      {
        type: 'parallel',
        name: 'chosen trials',
        silent: true,
        data: data.filter(({ trial }) => selected.has(trial)),
        lineStyle: { color: theme.second, width: 3, opacity: 1, type: 'solid' },
        activeOpacity: 1,
        inactiveOpacity: 0.2,
        z: 5,
      },
    ],
  })
}

/** How much each option matters. */
export function importanceOption(found: readonly Importance[]): (theme: Theme, width: number) => ChartOption {
  const rows = [...found].reverse()
  return (theme, width) => ({
    grid: { left: Math.min(180, width * 0.4), right: 56, top: 8, bottom: 24 },
    xAxis: axis(theme, '', {
      type: 'value',
      min: 0,
      max: 1,
      axisLabel: { show: false },
      splitLine: { show: false },
    }),
    yAxis: {
      type: 'category',
      data: rows.map(({ option }) => option),
      axisLabel: {
        color: theme.text,
        fontFamily: theme.font,
        width: Math.min(170, width * 0.4 - 10),
        overflow: 'truncate',
      },
      axisLine: { lineStyle: { color: theme.line } },
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        data: rows.map(({ share }) => share),
        barMaxWidth: 22,
        itemStyle: { color: theme.accent },
        label: {
          show: true,
          position: 'right',
          color: theme.text,
          fontFamily: theme.font,
          formatter: ({ value }: { value: number }) => `${Math.round(value * 100)} %`,
        },
      },
    ],
  })
}

/** What the Pareto chart compares. */
export interface ParetoChoice {
  readonly x: string
  readonly y: string
}

/** All trials by two values, and the front of those that no other one beats in both. */
export function paretoOption(
  all: readonly ParetoPoint[],
  front: readonly ParetoPoint[],
  { x, y, selected }: ParetoChoice & { readonly selected: Selected },
): (theme: Theme) => ChartOption {
  const data = all.map((point) => ({ value: [point.x, point.y] as const, trial: point.id }))
  return (theme) => ({
    grid,
    tooltip: tooltip(theme),
    xAxis: axis(theme, x, { type: 'value', scale: true }),
    yAxis: valueAxis(theme, y),
    series: [
      ...points(theme, data, selected, y),
      {
        type: 'line',
        name: 'Pareto front',
        data: front.map((point) => ({ value: [point.x, point.y], trial: point.id })),
        symbol: 'rect',
        symbolSize: 9,
        showSymbol: true,
        z: 4,
        lineStyle: { color: theme.text, type: 'dashed', width: 1.5 },
        itemStyle: { color: theme.text },
      },
    ],
  })
}
