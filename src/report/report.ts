import { readFile, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ResourceError } from '../errors.js'
import { formatDuration, formatNumber, formatOptions, formatValue } from '../pool/sweep/format.js'
import { rank, readSweep, type SweepData, type TrialRecord } from '../pool/sweep/records.js'
import { drawScript, style } from './assets.js'
import { type Chart, chartsOf } from './charts.js'

/**
 * Makes a page of the results of a sweep: one HTML file that needs no network, with a ranked table, charts and the
 * messages of what failed.
 *
 * ```ts
 * await writeReport('sweep')   // 'sweep/report.html'
 * ```
 *
 * `folder` is the `output` of the sweep; returns the path of the page.
 *
 * @throws `ResourceError` when there are no results, or when `file` exists and is no such page, unless `force`.
 */
export async function writeReport(
  folder: string,
  file = join(folder, 'report.html'),
  { force = false }: { force?: boolean | undefined } = {},
): Promise<string> {
  const data = await readSweep(folder)
  if (!force) await requireReport(file)
  await writeFile(file, await renderPage(data, basename(resolve(folder))))
  return file
}

// A page that was made before may be made anew.
async function requireReport(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined || text.slice(0, 1000).includes(generatorTag)) return
  const message = `"${file}" exists and is no report: name another file in "--output", or add "--force" to replace it`
  throw new ResourceError(message, { code: 'OUTPUT_EXISTS' })
}

/** By which a page is known as one of these. */
const generatorTag = '<meta name="generator" content="flambeau">'

/** A sweep as one page that needs no network: tables are in the page itself, charts are drawn by its script. */
async function renderPage(data: SweepData, title: string): Promise<string> {
  const files = ['dist/uPlot.iife.min.js', 'dist/uPlot.min.css', 'LICENSE']
  const [script, css, license] = await Promise.all(files.map(readAsset))
  const charts = chartsOf(data)
  const name = escapeHtml(title)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${generatorTag}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}</title>
<link rel="icon" href="data:,">
<style>${css}${style}</style>
</head>
<body>
<h1>${name}</h1>
${summaryHtml(data)}
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

function readAsset(file: string): Promise<string> {
  return readFile(fileURLToPath(import.meta.resolve(`uplot/${file}`)), 'utf8')
}

function summaryHtml({ records, metric, goal, trials }: SweepData): string {
  const { ranked, stopped, failed } = rank(records, goal)
  const [best] = ranked
  const counts = [`${ranked.length} of ${trials} trials done`]
  if (stopped.length > 0) counts.push(`${stopped.length} stopped early`)
  if (failed.length > 0) counts.push(`${failed.length} failed`)
  const winner = best
    ? `<p class="best"><strong>${escapeHtml(metric)} ${formatNumber(best.metric)}</strong> (${goal}imum), trial ${escapeHtml(best.trial)}<br>${escapeHtml(formatOptions(best.options))}</p>`
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
    formatNumber(record.metric),
    ...paths.map((path) => formatValue(record.options[path])),
    formatDuration(record.durationMs),
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
      `<h3>Trial ${escapeHtml(trial)}</h3>\n<p>${escapeHtml(formatOptions(options))}</p>\n<pre>${escapeHtml(error?.message)}</pre>`,
  )
  return `<h2>Failed</h2>\n${entries.join('\n')}`
}

/** Text for a page: what a page would read as its own is escaped. */
function escapeHtml(text: unknown): string {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** A table; cells are text. */
function tableHtml(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = (tag: string, row: readonly unknown[]): string =>
    row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n')
  return `<div class="wide"><table>\n<thead><tr>${cells('th', head)}</tr></thead>\n<tbody>\n${body}\n</tbody></table></div>`
}

/** Data for the script of a page: no text in it can end the script. */
function scriptData(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}
