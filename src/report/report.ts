import { readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ResourceError, throwNotWritten } from '../errors.js'
import { rank, readSweep, type SweepData, type TrialRecord } from '../pool/sweep/records.js'
import { formatDuration, formatNumber, formatOptions, formatValue } from '../records/format.js'
import { writeAtomically } from '../util/atomic-write.js'
import { realPath } from '../util/paths.js'
import { drawScript, style } from './assets.js'
import { type Chart, chartsOf } from './charts.js'

/**
 * Writes a page with the results of a sweep: one HTML file that needs no network, with a ranked table, charts and the
 * error messages of failed trials.
 *
 * ```ts
 * await writeReport('sweep')   // 'sweep/report.html'
 * ```
 *
 * `folder` is the `output` of the sweep; returns the path of the page.
 *
 * @throws `ResourceError` when there are no results, or when `file` exists and is not such a page, unless `force`.
 */
export async function writeReport(
  folder: string,
  file = join(folder, 'report.html'),
  { force = false }: { force?: boolean | undefined } = {},
): Promise<string> {
  const data = await readSweep(folder)
  if (!force) await requireReport(file)
  const page = await renderPage(data, basename(resolve(folder)))
  await writePage(file, page).catch(throwNotWritten(file))
  return file
}

// Half a page would not be replaced by the next one. What is no regular file, such as /dev/stdout, cannot be renamed.
async function writePage(file: string, page: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found && !found.isFile()) await writeFile(file, page)
  else await writeAtomically(realPath(file), page, { mode: 0o666 })
}

// An earlier page may be replaced.
async function requireReport(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    return throwNotWritten(file)(error)
  })
  if (text === undefined || text.slice(0, 1000).includes(generatorTag)) return
  const message = `"${file}" exists, but is not a report: name another file in "--output", or add "--force" to replace it`
  throw new ResourceError(message, { code: 'OUTPUT_EXISTS' })
}

/** Identifies a page as a report. */
const generatorTag = '<meta name="generator" content="flambeau">'

/** Renders a page that needs no network. Its script draws the charts; everything else is HTML. */
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
  const bestTrial = best
    ? `<p class="best"><strong>${escapeHtml(metric)} ${formatNumber(best.metric)}</strong> (${goal}imum), trial ${escapeHtml(best.trial)}<br>${escapeHtml(formatOptions(best.options))}</p>`
    : ''
  return `<p>${counts.join(', ')}</p>\n${bestTrial}`
}

function chartHtml({ title }: Chart, index: number): string {
  return `<h2>${escapeHtml(title)}</h2>\n<div class="chart" id="chart-${index}" role="img" aria-label="${escapeHtml(title)}"></div>`
}

function rankedHtml({ records, metric, goal }: SweepData): string {
  const { ranked, stopped } = rank(records, goal)
  const paths = Object.keys([...ranked, ...stopped][0]?.options ?? {})
  const row = (record: TrialRecord, position: string | number) => [
    position,
    record.trial,
    formatNumber(record.metric),
    ...paths.map((path) => formatValue(record.options[path])),
    formatDuration(record.durationMs),
    record.host,
  ]
  const rows = [
    ...ranked.map((record, index) => row(record, index + 1)),
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

/** Escapes text for HTML. */
function escapeHtml(text: unknown): string {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Renders a table; escapes its cells. */
function tableHtml(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = (tag: string, row: readonly unknown[]): string =>
    row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n')
  return `<div class="wide"><table>\n<thead><tr>${cells('th', head)}</tr></thead>\n<tbody>\n${body}\n</tbody></table></div>`
}

/** Renders data as JSON within a `<script>`, which no text in it can end. */
function scriptData(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}
