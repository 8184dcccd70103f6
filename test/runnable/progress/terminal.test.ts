// The progress of runs: a bar on a real terminal, lines elsewhere.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { type RunEvent, runFile, runOptions } from 'flambeau'
import { RecordProject } from '../../support/record-project.js'

const cli = join(process.cwd(), 'dist/cli/main.js')
const hasScript = spawnSync('script', ['--version']).status === 0

let project: RecordProject
before(() => {
  project = new RecordProject()
  symlinkSync(join(process.cwd(), 'node_modules/zod'), join(project.folder, 'node_modules/zod'))
  project.file(
    'sweep.yaml',
    '!Sweep\neach: !Train { rate: !choice [1, 2, 4, 8], waitMs: 60, steps: 4 }\nmetric: loss\ngoal: min\nworkers: 2\n',
  )
})
after(() => project.end())

interface Screen {
  readonly code: number | null
  /** Everything that the terminal received. */
  readonly raw: string
  /** The lines that are on it at the end. */
  readonly lines: string[]
}

/** Runs a command on a terminal of so many columns; `typed` is typed after the first output that matches. */
async function onTerminal(
  columns: number,
  args: readonly string[],
  typed?: { after: RegExp; keys: string },
): Promise<Screen> {
  const { CI: _, ...env } = project.env
  const command = `stty cols ${columns} rows 30; exec ${[process.execPath, cli, ...args].map((word) => `'${word}'`).join(' ')}`
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd: project.folder,
    env: { ...env, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let raw = ''
  let isTyped = false
  child.stdout!.on('data', (chunk: Buffer) => {
    raw += String(chunk).replaceAll('\u001b', '␛')
    if (!typed || isTyped || !typed.after.test(raw)) return
    isTyped = true
    child.stdin!.write(typed.keys)
  })
  const [[code]] = await Promise.all([once(child, 'close'), text(child.stdout!)])
  return { code, raw, lines: linesOf(raw) }
}

/** What is on a terminal: lines are cleared, and the cursor moves up. */
function linesOf(raw: string): string[] {
  const lines = ['']
  let row = 0
  for (const [piece] of raw.matchAll(/␛\[(\d*)([A-Za-z])|\r\n|\n|\r|[^␛\r\n]+/g)) {
    if (piece.endsWith('\n')) lines[++row] ??= ''
    else if (piece === '␛[2K') lines[row] = ''
    else if (piece === '␛[1A') row = Math.max(0, row - 1)
    else if (piece !== '\r' && !piece.startsWith('␛')) lines[row] += piece
  }
  return lines
}

describe('on a terminal', { skip: !hasScript && 'there is no "script" here' }, () => {
  test('a run has a bar with the time, and its log lines stay whole above it', async () => {
    const { code, raw, lines } = await onTerminal(80, ['run', 'train.yaml', 'steps=30', 'waitMs=30'])
    assert.equal(code, 0)
    assert.match(raw, /█+░+ \d+\/30 {2}[\d.]+ m?s, about [\d.]+ m?s left {2}loss 0\.\d+/)
    for (let step = 1; step <= 30; step++)
      assert.ok(
        lines.some((line) => line.endsWith(`info  step ${step}`)),
        `step ${step}`,
      )
    assert.ok(!lines.some((line) => line.includes('█')), 'the bar is gone')
    assert.doesNotMatch(project.textOf('log.txt'), /█/)
    assert.match(project.textOf('log.txt'), /step 30\n/)
  })

  test('a sweep shows the best so far, and what runs now, within the width', async () => {
    for (const columns of [100, 40]) {
      const { code, raw, lines } = await onTerminal(columns, ['run', 'sweep.yaml', '--force'])
      assert.equal(code, 0)
      assert.match(raw, /\/4/)
      assert.match(raw, /running {2}\d+ /)
      if (columns === 100) assert.match(raw, /best loss 0\.25 \(trial 01\)/)
      for (const [line] of raw.matchAll(/[█░][^\r\n␛]*/g)) assert.ok(line.length < columns, line)
      assert.ok(
        lines.some((line) => line.includes('rank  trial  loss')),
        lines.join('\n'),
      )
      assert.ok(!lines.some((line) => /█|running/.test(line)))
    }
  })

  test('what a run prints without a line break stays', async () => {
    project.file(
      'partial.js',
      `import { setTimeout as delay } from 'node:timers/promises'
import { registrable, Runnable } from 'flambeau'
registrable('!Partial')(class Partial extends Runnable {
  async run({ progress }) {
    process.stdout.write('Loading... ')
    for (let step = 1; step <= 5; step++) {
      progress({ step, total: 5 })
      await delay(150)
    }
    process.stdout.write('ready\\n')
  }
})`,
    )
    project.file('partial.yaml', '!Partial {}\n')
    const { lines } = await onTerminal(80, ['run', 'partial.yaml', '--import', './partial.js'])
    assert.ok(lines.includes('Loading... ready'), lines.join('\n'))
  })

  test('"--events" has the terminal for itself', async () => {
    const { lines } = await onTerminal(80, [
      'run',
      'train.yaml',
      'steps=20',
      'waitMs=30',
      '--events',
      '--quiet',
    ])
    const events = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
    assert.equal(events.filter(({ type }) => type === 'progress').length, 20)
    assert.ok(!lines.some((line) => /[█░]/.test(line)), lines.join('\n'))
  })

  test('Ctrl-C removes the bar, and its message stands on a line of its own', async () => {
    const { code, lines } = await onTerminal(80, ['run', 'train.yaml', 'steps=1000', 'waitMs=30'], {
      after: /█|░/,
      keys: '\u0003',
    })
    assert.equal(code, 130)
    const message = lines.findIndex((line) => line.startsWith('Interrupted: waiting for the run to clean up'))
    assert.ok(message >= 0, lines.join('\n'))
    assert.ok(!lines.some((line) => line.includes('█')))
  })
})

describe('elsewhere', () => {
  test('a sweep logs a line for each trial', async () => {
    const { stderr } = await project.flambeau('run', 'sweep.yaml', '--force')
    assert.equal(
      stderr.match(/^\d\d:\d\d:\d\d info {2}[1-4]\/4 {2}0[1-4] {2}loss [\d.]+ {2}rate=\d {2}[\d.]+ m?s$/gm)
        ?.length,
      4,
    )
    assert.doesNotMatch(stderr, /█/)
  })

  test('a short run logs no line about its progress', async () => {
    const { stderr } = await project.flambeau('run', 'train.yaml')
    assert.doesNotMatch(stderr, /3\/3/)
  })

  test('progress does nothing where nobody listens, and throws for what JSON cannot hold where somebody does', async () => {
    runOptions().progress(1n)
    const events: unknown[] = []
    const { progress } = runOptions({ onEvent: (event: RunEvent) => events.push(event) })
    progress({ a: 1 })
    assert.throws(() => progress(1n), TypeError)
    assert.equal(events.length, 1)
    assert.equal(
      (
        await runFile(
          { content: '!Nothing {}' },
          { logger: { debug() {}, info() {}, warn() {}, error() {} } },
        )
      ).ok,
      false,
    )
  })
})
