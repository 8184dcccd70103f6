// A program drives runs by "--events" alone, and OpenTelemetry sees them.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { type RunEvent, runFile } from 'flambeau'
import { RecordProject } from '../support/record-project.js'

const cli = join(process.cwd(), 'dist/cli/main.js')
let project: RecordProject
before(() => {
  project = new RecordProject()
  for (const name of ['zod', '@opentelemetry'])
    symlinkSync(join(process.cwd(), 'node_modules', name), join(project.folder, 'node_modules', name))
})
after(() => project.end())

type Line = RunEvent & { readonly version: number }

/** Runs a command with `--events`; `onEvent` may act on what happens. */
async function drive(
  args: readonly string[],
  onEvent: (event: Line, child: ChildProcess) => void = () => {},
): Promise<{ events: Line[]; code: number | null }> {
  const child = spawn(process.execPath, [cli, ...args, '--events'], {
    cwd: project.folder,
    env: project.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const closed = once(child, 'close')
  const events: Line[] = []
  for await (const line of createInterface(child.stdout!)) {
    events.push(JSON.parse(line))
    onEvent(events.at(-1)!, child)
  }
  const [code] = await closed
  return { events, code }
}

function typesOf(events: readonly Line[]): string[] {
  return events.map(({ type }) => type)
}

/** The last event, which is the end. */
function endOf(events: readonly Line[]): Line & { type: 'run.ended' } {
  const last = events.at(-1)!
  assert.equal(last.type, 'run.ended')
  return last as Line & { type: 'run.ended' }
}

describe('"--events"', () => {
  test('gives a run from its start to its result, and nothing else', async () => {
    const { events, code } = await drive(['run', 'train.yaml', 'steps=2'])
    assert.equal(code, 0)
    assert.ok(events.every(({ version, time }) => version === 1 && !Number.isNaN(Date.parse(time))))
    assert.deepEqual(typesOf(events), ['run.started', 'log', 'progress', 'log', 'progress', 'run.ended'])
    const [started] = events as any[]
    assert.equal(started.record, join(project.realFolder, '.flambeau/runs', started.id))
    assert.deepEqual((events[2] as any).value, { step: 1, total: 2, loss: 0.1 })
    const { state, exitCode, value } = endOf(events)
    assert.deepEqual([state, exitCode, value], ['succeeded', 0, { loss: 0.05, base: 1 }])
  })

  test('ends with why, whatever happens', async () => {
    project.file('broken.yaml', '!Train { rate: [ }\n')
    project.file('forever.js', 'await new Promise(() => {})\n')
    const failed = await drive(['run', 'train.yaml', 'then=fail'])
    assert.deepEqual([failed.code, endOf(failed.events).error], [1, 'The run failed: it diverged '])
    const mistaken = await drive(['run', 'train.yaml', 'rate=fast'])
    assert.equal(endOf(mistaken.events).problems![0]!.file, '<argument 1>')
    for (const [args, expected, why] of [
      [['run', 'broken.yaml'], 22, /./],
      [['run', 'missing.yaml'], 22, /There is no file "missing\.yaml"/],
      [['run', 'train.yaml', '--import', './missing.js'], 22, /missing\.js/],
      [['run', 'train.yaml', '-s', 'missing.ini'], 22, /missing\.ini/],
      [['run', 'train.yaml', 'then=exit'], 7, /exited before the run ended/],
    ] as const) {
      const { events, code } = await drive(args)
      assert.equal(code, expected, args.join(' '))
      assert.deepEqual([endOf(events).state, endOf(events).exitCode], ['failed', expected])
      assert.match(endOf(events).error!, why)
    }
  })

  test('Ctrl-C is an end like any other', async () => {
    const { events, code } = await drive(['run', 'train.yaml', 'steps=1000', 'waitMs=50'], (event, child) => {
      if (event.type === 'progress') child.kill('SIGINT')
    })
    assert.equal(code, 130)
    assert.deepEqual([endOf(events).state, endOf(events).exitCode], ['cancelled', 130])
  })

  test('gives a sweep with its trials, so that a program can follow it', async () => {
    project.file(
      'sweep.yaml',
      '!Sweep\neach: !Train { rate: !choice [1, 2, 4], then: !choice [ok, fail] }\nmetric: loss\ngoal: min\n',
    )
    const running = new Set<string>()
    let most = 0
    const { events, code } = await drive(['run', 'sweep.yaml'], (event) => {
      if (event.type === 'trial.started') running.add(event.trial)
      if (event.type === 'trial.ended') running.delete(event.trial)
      most = Math.max(most, running.size)
    })
    assert.equal(code, 0)
    assert.ok(most > 0 && running.size === 0)
    const started = events.find((event) => event.type === 'sweep.started') as any
    assert.deepEqual([started.metrics, started.trials], [[{ name: 'loss', goal: 'min' }], 6])
    assert.match(started.repeat, /run '?sweep\/failed\/\{trial\}\.yaml/)
    const ended = events.filter((event) => event.type === 'trial.ended') as any[]
    assert.deepEqual(ended.map(({ state }) => state).sort(), [
      'done',
      'done',
      'done',
      'failed',
      'failed',
      'failed',
    ])
    const first = events.find((event) => event.type === 'trial.started') as any
    assert.match(first.file, /^!Train\nrate: /)
    assert.ok(events.some((event) => event.type === 'trial.progress'))
    assert.ok(events.some((event) => event.type === 'log' && event.trial !== undefined))
    assert.equal((endOf(events).value as any).best.metric, 1 / 3)
    const [id] = project.ids
    assert.equal(project.record(id)['sweep'].trials, 6)
    const trials = new Map(project.lines('trials.jsonl', id).map((line) => [line.trial, line]))
    assert.deepEqual([...trials.values()].filter(({ state }) => state === 'done').length, 3)
  })

  test('on a cluster, too', async () => {
    project.file(
      'package.json',
      '{ "type": "module", "dependencies": { "zod": "*" }, "flambeau": { "imports": ["./train.js"] } }\n',
    )
    project.file(
      'lab.yaml',
      `!LocalCluster { name: events, folder: ${join(project.home, 'hosts')}, factories: 0 }\n`,
    )
    const { events, code } = await drive(['run', 'train.yaml', 'steps=2', '-c', 'lab.yaml'])
    await project.flambeau('down', 'lab.yaml', '--force')
    assert.equal(code, 0)
    assert.deepEqual(typesOf(events), ['run.started', 'progress', 'progress', 'run.ended'])
    assert.equal((events[0] as any).cluster, 'events')
    assert.deepEqual(endOf(events).value, { loss: 0.05, base: 1 })
  })

  test('excludes "--json", and a full disk is exit code 74', () => {
    const run = (...args: string[]) => [process.execPath, cli, 'run', 'train.yaml', '--events', ...args]
    const shell = (script: string, argv: string[]) =>
      spawnSync('sh', ['-c', script, 'sh', ...argv], {
        cwd: project.folder,
        env: project.env,
        encoding: 'utf8',
      })
    assert.match(shell('"$@"', run('--json')).stderr, /--events.*cannot be used with.*--json/)
    if (!existsSync('/dev/full')) return
    const { status, stderr } = shell('"$@" > /dev/full', run())
    assert.equal(status, 74)
    assert.equal(stderr.match(/The result could not be written to standard output/g)?.length, 1)
  })

  test('of a run in code go to its listener', async () => {
    const events: RunEvent[] = []
    const silent = { debug() {}, info() {}, warn() {}, error() {} }
    await runFile({ content: '!Nothing {}' }, { logger: silent, onEvent: (event) => events.push(event) })
    assert.deepEqual(
      events.map(({ type }) => type),
      ['run.started', 'log', 'run.ended'],
    )
  })
})

describe('OpenTelemetry', () => {
  test('sees a sweep, its trials and their attempts in other processes as one trace', async () => {
    project.file(
      'trace.js',
      `import { appendFileSync } from 'node:fs'
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
const file = new URL('spans.jsonl', import.meta.url)
const exporter = {
  export(spans, done) {
    for (const span of spans) {
      const { traceId, spanId } = span.spanContext()
      const parent = span.parentSpanContext?.spanId ?? span.parentSpanId
      const { name, attributes, status, events } = span
      appendFileSync(file, JSON.stringify({ traceId, spanId, parent, name, attributes, status, events, pid: process.pid }) + '\\n')
    }
    done({ code: 0 })
  },
  async shutdown() {},
}
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
`,
    )
    project.file(
      'traced.yaml',
      '!Sweep\neach: !Train { rate: !choice [1, 2], then: !choice [ok, fail] }\nmetric: loss\noutput: traced\n',
    )
    const { code, stderr } = await project.flambeau('run', 'traced.yaml', '--import', './trace.js')
    assert.equal(code, 0, stderr)
    const spans = readFileSync(join(project.folder, 'spans.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const named = (name: string) => spans.filter((span) => span.name === name)
    const [run] = named('flambeau.run')
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1)
    assert.equal(run.parent, undefined)
    assert.deepEqual(
      [run.attributes['flambeau.tag'], run.attributes['flambeau.run.id']],
      ['!Sweep', project.ids[0]],
    )
    const trials = named('flambeau.trial')
    assert.equal(trials.length, 4)
    assert.ok(trials.every(({ parent }) => parent === run.spanId))
    const attempts = named('flambeau.attempt')
    assert.equal(attempts.length, 4)
    const ids = new Set(trials.map(({ spanId }) => spanId))
    assert.ok(attempts.every(({ parent, pid }) => ids.has(parent) && pid !== run.pid))
    const failed = attempts.filter(({ status }) => status.code === 2)
    assert.equal(failed.length, 2)
    assert.match(failed[0].events[0].attributes['exception.message'], /it diverged/)
  })

  test('gets no value of a variable that looks like a secret', async () => {
    const canary = 'canary-71be02d4'
    project.file('leak.yaml', '!Train\nthen: fail\ntext: !env API_TOKEN\n')
    spawnSync(process.execPath, [cli, 'run', 'leak.yaml', '--import', './trace.js'], {
      cwd: project.folder,
      env: { ...project.env, API_TOKEN: canary },
    })
    const spans = readFileSync(join(project.folder, 'spans.jsonl'), 'utf8').trim().split('\n')
    assert.match(spans.at(-1)!, /it diverged/)
    assert.ok(!spans.join('').includes(canary))
  })
})
