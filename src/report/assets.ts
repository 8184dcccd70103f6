/** The style of a page: one column, wide tables that scroll by themselves, light or dark as its reader has it. */
export const style = `
:root { color-scheme: light dark; --line: #ccc; --soft: #f4f1ee; }
@media (prefers-color-scheme: dark) { :root { --line: #555; --soft: #2a2724; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere; }
.best { background: var(--soft); border-left: 4px solid currentColor; padding: .75rem 1rem; overflow-wrap: anywhere; }
.best strong { font-size: 1.4rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
tbody tr:first-child td { font-weight: bold; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .5rem .75rem; margin: .25rem 0 1rem; }
.chart { width: 100%; min-height: 260px; }
.u-legend { font-size: .85rem; }
`

/** The script that draws the charts of a page, in the browser, with uPlot. */
export const drawScript = `
'use strict'
const charts = JSON.parse(document.getElementById('charts').textContent)
const dark = matchMedia('(prefers-color-scheme: dark)').matches
const ink = dark ? '#eee' : '#222', grid = dark ? '#444' : '#ddd', dot = dark ? '#ffb454' : '#b3400e'

function sorted(chart) {
  const order = chart.points.map((_, index) => index).sort((a, b) => chart.points[a][0] - chart.points[b][0])
  return { xs: order.map((index) => chart.points[index][0]), ys: order.map((index) => chart.points[index][1]),
    line: chart.line && order.map((index) => chart.line[index][1]), trials: order.map((index) => chart.trials[index]) }
}

function axis(label, values) {
  return { label, stroke: ink, grid: { stroke: grid }, ticks: { stroke: grid }, ...(values && { values }) }
}

function number(value) { return value === null || value === undefined ? '' : String(Number(value.toPrecision(4))) }

function draw(chart, element) {
  const { xs, ys, line, trials } = sorted(chart)
  const name = (x) => chart.names ? (chart.names[x] ?? '') : number(x)
  const first = xs[0], last = xs[xs.length - 1]
  const room = chart.log ? null : chart.names ? 0.5 : (last - first) * 0.05 || 1
  const range = chart.log ? () => [first / 1.3, last * 1.3] : () => [first - room, last + room]
  const options = {
    width: element.clientWidth, height: 260, title: '',
    scales: { x: { time: false, distr: chart.log ? 3 : 1, range }, y: {} },
    axes: [
      { ...axis(chart.x, (_, ticks) => ticks.map((tick) => tick === null ? '' : name(tick))),
        ...(chart.names && { splits: () => chart.names.map((_, index) => index) }),
        ...(chart.ticks && { splits: () => chart.ticks, filter: (_, splits) => splits }) },
      { ...axis(chart.y), size: 60 },
    ],
    series: [
      { label: chart.x, value: (_, x, __, index) => index === null ? '' : name(x) + ' (trial ' + trials[index] + ')' },
      { label: chart.y, stroke: dot, paths: () => null, points: { show: true, size: 8, fill: dot }, value: (_, y) => number(y) },
      ...(line ? [{ label: 'best so far', stroke: ink, dash: [6, 4], width: 2, points: { show: false },
        paths: uPlot.paths.stepped({ align: 1 }), value: (_, y) => number(y) }] : []),
    ],
  }
  const plot = new uPlot(options, line ? [xs, ys, line] : [xs, ys], element)
  new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: 260 })).observe(element)
}

for (const [index, chart] of charts.entries()) draw(chart, document.getElementById('chart-' + index))
`
