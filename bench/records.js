// How long the commands on records take, beside a command that does nothing, in turn in one run: node bench/records.js
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const cli = join(process.cwd(), 'dist/cli/main.js')
const count = 10_000
const rounds = 15
const folder = mkdtempSync(join(tmpdir(), 'flambeau-bench-'))

/** Runs a command; returns its milliseconds. */
function time(...args) {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(stderr)
  return performance.now() - start
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

try {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  writeFileSync(join(folder, 'nothing.yaml'), '!Nothing\n')
  writeFileSync(
    join(folder, 'nothing.mjs'),
    `import { registrable, Runnable } from '${join(process.cwd(), 'dist/index.js')}'
registrable('!Nothing')(class Nothing extends Runnable { run() { return 1 } })\n`,
  )
  const run = ['run', 'nothing.yaml', '--import', './nothing.mjs']
  time(...run)
  const runs = join(folder, '.flambeau/runs')
  const [first] = JSON.parse(
    spawnSync(process.execPath, [cli, 'runs', '--json'], { cwd: folder, encoding: 'utf8' }).stdout,
  )
  const json = readFileSync(join(runs, first.id, 'run.json'), 'utf8')
  for (let n = 1; n < count; n++) {
    const id = `20260101-000000-${n.toString(16).padStart(7, '0')}`
    mkdirSync(join(runs, id))
    writeFileSync(join(runs, id, 'run.json'), json.replaceAll(first.id, id))
    cpSync(join(runs, first.id, 'run.yaml'), join(runs, id, 'run.yaml'))
  }
  const commands = {
    'flambeau --version': ['--version'],
    [`runs, of ${count}`]: ['runs'],
    [`runs --json, of ${count}`]: ['runs', '--json'],
    'show last': ['show', 'last'],
    'run --no-record': [...run, '--no-record'],
    run,
  }
  const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++)
    for (const [name, args] of Object.entries(commands)) {
      const ms = time(...args)
      // The first round fills caches.
      if (round > 0) times[name].push(ms)
    }
  const base = median(times['flambeau --version'])
  for (const [name, values] of Object.entries(times))
    console.log(
      `${name.padEnd(28)} ${(median(values) / base).toFixed(2)} x --version (${Math.round(median(values))} ms)`,
    )
  console.log(
    `a record costs ${(median(times['run']) / median(times['run --no-record'])).toFixed(2)} x a run without one`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
