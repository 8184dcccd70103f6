import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { rank } from '../sweep/ranking.js'
import type { TrialRecord } from '../sweep/records.js'
import { choices, duration, number, shown } from '../sweep/wording.js'
import { type Chart, chartsOf } from './charts.js'
import { drawScript } from './draw.js'
import { escapeHtml, scriptData, tableHtml } from './html.js'
import type { SweepData } from './read-sweep.js'
import { style } from './style.js'

/** By which a page is known as one of these. */
export const generator = '<meta name="generator" content="flambeau">'

/** A sweep as one page that needs no network: tables are in the page itself, charts are drawn by its script. */
export async function pageOf(data: SweepData, title: string): Promise<string> {
  const files = ['dist/uPlot.iife.min.js', 'dist/uPlot.min.css', 'LICENSE']
  const [script, css, license] = await Promise.all(files.map(embedded))
  const charts = chartsOf(data)
  const name = escapeHtml(title)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${generator}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}</title>
<link rel="icon" href="data:,">
<style>${css}${style}</style>
</head>
<body>
<h1>${name}</h1>
${summary(data)}
${charts.map(chartHtml).join('\n')}
${rankedHtml(data)}
${failuresHtml(data)}
<script type="application/json" id="charts">${scriptData(charts)}</script>
<!-- uPlot: ${license}-->
<script>${script}</script>
<script>${drawScript}</script>
</body>
</html>
`
}

function embedded(file: string): Promise<string> {
  return readFile(fileURLToPath(import.meta.resolve(`uplot/${file}`)), 'utf8')
}

function summary({ records, metric, goal, trials }: SweepData): string {
  const { ranked, stopped, failed } = rank(records, goal)
  const [best] = ranked
  const counts = [`${ranked.length} of ${trials} trials done`]
  if (stopped.length > 0) counts.push(`${stopped.length} stopped early`)
  if (failed.length > 0) counts.push(`${failed.length} failed`)
  const winner = best
    ? `<p class="best"><strong>${escapeHtml(metric)} ${number(best.metric)}</strong> (${goal}imum), trial ${escapeHtml(best.trial)}<br>${escapeHtml(choices(best.options))}</p>`
    : ''
  return `<p>${counts.join(', ')}</p>\n${winner}`
}

function chartHtml({ title }: Chart, at: number): string {
  return `<h2>${escapeHtml(title)}</h2>\n<div class="chart" id="chart-${at}" role="img" aria-label="${escapeHtml(title)}"></div>`
}

function rankedHtml({ records, metric, goal }: SweepData): string {
  const { ranked, stopped } = rank(records, goal)
  const paths = Object.keys([...ranked, ...stopped][0]?.options ?? {})
  const row = (record: TrialRecord, place: string | number) => [
    place,
    record.trial,
    number(record.metric),
    ...paths.map((path) => shown(record.options[path])),
    duration(record.durationMs),
    record.host,
  ]
  const rows = [
    ...ranked.map((record, at) => row(record, at + 1)),
    ...stopped.map((record) => row(record, 'stopped')),
  ]
  return `<h2>Ranked</h2>\n${tableHtml(['rank', 'trial', metric, ...paths, 'time', 'host'], rows)}`
}

function failuresHtml({ records, goal }: SweepData): string {
  const { failed } = rank(records, goal)
  if (failed.length === 0) return ''
  const entries = failed.map(
    ({ trial, options, error }) =>
      `<h3>Trial ${escapeHtml(trial)}</h3>\n<p>${escapeHtml(choices(options))}</p>\n<pre>${escapeHtml(error?.message)}</pre>`,
  )
  return `<h2>Failed</h2>\n${entries.join('\n')}`
}
