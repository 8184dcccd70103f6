import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'
import { packageRoot } from '../util/paths.js'
import type { PageData } from './data.js'

/** How a page is rendered. */
export interface RenderOptions {
  /** The title of its window. */
  readonly title: string
}

/** Identifies a page as one of this package. */
export const generatorTag = '<meta name="generator" content="flambeau">'

/** Renders the page with its data: one HTML file, which asks only the server that it comes from, and none when it is not live. */
export async function renderPage(data: PageData, { title }: RenderOptions): Promise<string> {
  const { script, style, licences } = await readAssets()
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${generatorTag}
<meta http-equiv="Content-Security-Policy" content="${contentPolicy({ script, style, isLive: data.live })}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<div id="app"></div>
<noscript>This page is drawn by a script: allow JavaScript to see it.</noscript>
<script type="application/json" id="data">${scriptData(data)}</script>
<script>${script}</script>
<!-- This page contains ECharts (Apache License 2.0) and Preact (MIT):
${licences.replaceAll('--', '- -')}-->
</body>
</html>
`
}

/** What `build-page.js` makes of `page/`. */
interface PageAssets {
  readonly script: string
  readonly style: string
  readonly licences: string
}

async function readAssets(): Promise<PageAssets> {
  const compressed = await readFile(join(packageRoot(), 'dist', 'view', 'page.json.br'))
  return JSON.parse(String(await promisify(brotliDecompress)(compressed)))
}

/** The policy of a page: only its own script and style, and no request but to its own server. */
function contentPolicy({
  script,
  style,
  isLive,
}: {
  script: string
  style: string
  isLive: boolean
}): string {
  return [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    'img-src data:',
    `connect-src ${isLive ? "'self'" : "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

/** Escapes text for HTML. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Data as JSON within a `<script>`, which no text in it can end. */
function scriptData(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}
