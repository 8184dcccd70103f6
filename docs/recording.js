// Draws docs/recording.svg: runs the commands below in an empty folder, with the files that README.md shows, and puts
// what they print on a terminal. "npm run recording" draws it anew.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const commands = [
  'cat greet.yaml',
  'npx flambeau run greet.yaml --import ./greet.js',
  "sed -i 's/!Polite/!Polit/' greet.yaml",
  'npx flambeau run greet.yaml --import ./greet.js',
  "sed -i 's/!Polit /!Polite /' greet.yaml",
  'npx flambeau run greet.yaml --import ./greet.js --cluster cluster.yaml',
]

const compilerOptions = { target: 'es2022', module: 'nodenext', strict: true, types: ['node'] }
const home = mkdtempSync(join(tmpdir(), 'flambeau-recording-'))
const folder = join(home, 'greet')

/** The files of README.md, compiled, in a folder with the packed package. */
function prepare() {
  mkdirSync(folder)
  const tool = (name, ...args) =>
    execFileSync(name, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  tool('npm', 'pack', '--loglevel=error', '--pack-destination', home, resolve('.'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  tool(
    'npm',
    'install',
    '--loglevel=error',
    join(
      home,
      readdirSync(home).find((name) => name.endsWith('.tgz')),
    ),
    'zod',
    '@types/node',
  )
  for (const [, text, name] of readFileSync('README.md', 'utf8').matchAll(readmeFile))
    writeFileSync(join(folder, name), text)
  writeFileSync(join(folder, 'cluster.yaml'), '!LocalCluster\nname: here\nfactories: 0\n')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  tool(process.execPath, resolve('node_modules/typescript/bin/tsc'))
}

const readmeFile = /^```\w+\n((?:\/\/|#) (greet\.\w+)\n.*?)^```$/gms

const quietNpm = { npm_config_progress: 'false', npm_config_update_notifier: 'false' }

/** The lines that a command prints on a terminal, with their colours. */
function run(command) {
  const { NO_COLOR: _, ...env } = process.env
  const options = {
    cwd: folder,
    env: { ...env, HOME: home, TERM: 'xterm-256color', ...quietNpm },
    encoding: 'utf8',
  }
  // "script" is a terminal for what it runs, and keeps no file here.
  const printed = execFileSync('script', ['--quiet', '--command', command, '/dev/null'], options)
  const lines = printed.replaceAll(home, '/home/ada').replaceAll('\r', '').trimEnd()
  return lines === '' ? [] : lines.split('\n')
}

const lineHeight = 20
const margin = 20

/** A still picture of a terminal, with the commands and what they print. */
function draw(steps) {
  const rows = steps.flatMap(({ command, lines }) => [
    `<tspan class="dim">$</tspan> ${escaped(command)}`,
    ...lines.map(colours),
  ])
  const height = rows.length * lineHeight + 2 * margin + 24
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 ${height}" width="820" height="${height}">
<title>A file is run, then run with a misspelt tag, and on a cluster</title>
<style>${style}</style>
<rect class="window" x="0.5" y="0.5" width="819" height="${height - 1}" rx="8"/>
<g class="dots"><circle cx="22" cy="20" r="6"/><circle cx="42" cy="20" r="6"/><circle cx="62" cy="20" r="6"/></g>
${rows.map(drawn).join('\n')}
</svg>
`
}

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
  writeFileSync('docs/recording.svg', draw(commands.map((command) => ({ command, lines: run(command) }))))
} finally {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
}
