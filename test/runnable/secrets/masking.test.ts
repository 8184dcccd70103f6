// A secret in an error is masked wherever the error goes: outcomes, terminals, files of sweeps, logs of clusters, Redis.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { ParsingRunnableError, parseSecrets, Runnable, runFile } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'
import { withRegistry } from 'flambeau/testing'
import { Project } from '../../support/cluster-project.js'

const canary = `c4n4ry/+${process.pid} w0rd`
const forms = [
  canary,
  encodeURIComponent(canary),
  encodeURIComponent(canary).toLowerCase(),
  new URLSearchParams({ k: canary }).toString().slice(2),
  ...['', 'a', 'ab'].map((before) =>
    Buffer.from(before + canary)
      .toString('base64')
      .slice(4, 20),
  ),
  ...['', 'a', 'ab'].map((before) =>
    Buffer.from(before + canary)
      .toString('base64url')
      .slice(4, 20),
  ),
]
const refusesAll = (shown: string): void => {
  for (const form of forms) assert.ok(!shown.includes(form), `${form} in ${shown}`)
}
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** Says a value in every form: what a job does that is not careful. */
const everyForm = `(() => { const key = this.config.get('AWS', 'KEY'), b = Buffer.from('ada:' + key)
  return [key, encodeURIComponent(key), encodeURIComponent(key).toLowerCase(), new URLSearchParams({ key }), b.toString('base64'), b.toString('base64url'), JSON.stringify({ key })].join(' ') })()`

describe('the outcome of runFile', () => {
  const outcomeOf = async (fail: (key: string) => never) => {
    class Fails extends Runnable {
      override run(): never {
        return fail(this.config.get('AWS', 'KEY'))
      }
    }
    const secrets = await parseSecrets(`[AWS]\nKEY = ${canary}\n`)
    return withRegistry(async (registry) => {
      registry.add(Fails, '!Fails')
      const outcome = await runFile({ content: '!Fails' }, { secrets, registry, logger: silent })
      assert.ok(!outcome.ok)
      return outcome.error
    })
  }
  const thrownBy = (error: unknown) => (): never => {
    throw error
  }

  test('has the error that was thrown, its texts masked, and those of its causes', async () => {
    const cause = new RangeError(`cause ${encodeURIComponent(canary)}`)
    const thrown = Object.assign(new TypeError(`thrown ${canary}`, { cause }), {
      url: `x:${canary}`,
      status: 7,
    })
    const error = await outcomeOf(thrownBy(thrown))
    assert.equal(error.message, 'The run failed: thrown [secret]')
    assert.equal(error.cause, thrown)
    assert.equal(thrown.cause, cause)
    assert.deepEqual([thrown.message, thrown.url, thrown.status], ['thrown [secret]', 'x:[secret]', 7])
    assert.match(thrown.stack ?? '', /^TypeError: thrown \[secret\]\n +at /)
    refusesAll(inspect(error, { depth: null, showHidden: true }))
  })

  test('has the errors of an AggregateError and the problems of a file masked', async () => {
    const many = new AggregateError([new Error(`one ${canary}`)], `all ${canary}`)
    refusesAll(inspect(await outcomeOf(thrownBy(many)), { depth: null, showHidden: true }))
    const place = { file: 'f', line: 1, column: 1, endLine: 1, endColumn: 2 }
    const problem = { code: 'X', message: `problem ${canary}`, frame: canary, hint: canary, ...place }
    const error = await outcomeOf(
      thrownBy(new ParsingRunnableError(`parsing ${canary}`, { problems: [problem] })),
    )
    assert.ok(error instanceof ParsingRunnableError)
    assert.deepEqual(error.problems, [
      { ...problem, message: 'problem [secret]', frame: '[secret]', hint: '[secret]' },
    ])
    refusesAll(inspect(error, { depth: null, showHidden: true }))
  })

  test('is masked whatever was thrown', async () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    const looping = new Error(canary)
    looping.cause = looping
    class Lazy extends Error {
      override get message(): string {
        return canary
      }
    }
    const kinds = [canary, { text: canary }, [canary], Object.freeze(new Error(canary)), looping, new Lazy()]
    for (const kind of kinds)
      refusesAll(inspect(await outcomeOf(thrownBy(kind)), { depth: null, showHidden: true }))
    const unlike = [circle, null, undefined, 7n, Symbol('s'), new Proxy({}, { getPrototypeOf: thrownBy(1) })]
    for (const kind of unlike)
      assert.equal((await outcomeOf(thrownBy(kind))).name, 'UnsuccessfulRunnableError')
  })

  test('is not touched when it shows no secret', async () => {
    const thrown = Object.freeze(Object.assign(new Error('plain'), { items: [1, { a: 2 }] }))
    assert.equal((await outcomeOf(thrownBy(thrown))).cause, thrown)
  })
})

describe('a sweep', () => {
  let project: Project
  before(() => {
    project = new Project()
    project.file('secrets.ini', `[AWS]\nKEY = ${canary}\n`)
  })
  after(() => project.end())

  test('masks secrets in its terminal, its files and its report, which only their owner can read', async () => {
    const code = `const all = ${everyForm}
      console.log('printed ' + all); console.error(Buffer.from('bytes ' + all).toString()); options.logger.warn('logged', all)
      options.progress({ score: 1, all })
      if (this.options.prepare === 'a') return { score: 2 }
      throw new Error('failed ' + all, { cause: new Error('cause ' + all) })`
    const each = `!Job { code: ${JSON.stringify(code)}, prepare: !choice [a, b] }`
    project.file('sweep.yaml', `!Sweep\neach: ${each}\nmetric: score\noutput: out\nworkers: 1\n`)
    const flags = ['--import', './jobs.js', '-s', 'secrets.ini', '-v']
    const { code: exit, stdout, stderr } = await project.flambeau('run', 'sweep.yaml', ...flags)
    assert.equal(exit, 0, stderr)
    assert.match(stderr, /printed \[secret\].*\[secret\]/)
    assert.match(stderr, /bytes \[secret\]/)
    assert.match(stderr, /logged \[secret\]/)
    assert.match(stderr, /failed \[secret\]/)
    refusesAll(stdout + stderr)
    const report = await project.flambeau('report', 'out')
    assert.equal(report.code, 0, report.stderr)
    const files = filesBelow(join(project.folder, 'out'))
    for (const file of files) refusesAll(readFileSync(file, 'utf8'))
    const modes = Object.fromEntries(
      files.map((file) => [file.split('/out/')[1], statSync(file).mode & 0o077]),
    )
    assert.deepEqual(
      ['results.jsonl', 'best.yaml', 'failed/2.yaml', 'failed/02.yaml']
        .map((name) => modes[name])
        .filter(Number.isInteger),
      [0, 0, 0],
    )
    assert.match(readFileSync(join(project.folder, 'out/report.html'), 'utf8'), /failed \[secret\]/)
  })

  test('of which no trial came to a result masks what it says of the first', async () => {
    const each = `!Job { code: ${JSON.stringify(`throw new Error(${everyForm})`)}, prepare: !choice [a] }`
    project.file('bad.yaml', `!Sweep\neach: ${each}\nmetric: score\noutput: bad\nworkers: 1\n`)
    const { stdout, stderr } = await project.flambeau(
      'run',
      'bad.yaml',
      '--import',
      './jobs.js',
      '-s',
      'secrets.ini',
      '-d',
    )
    assert.match(stderr, /No trial has a result.*\[secret\]/)
    refusesAll(stdout + stderr)
  })

  test('masks a secret that a trial returns in place of its metric', async () => {
    const each = `!Job { code: "return { score: 'was ' + this.config.get('AWS', 'KEY') }", prepare: !choice [a] }`
    project.file('metric.yaml', `!Sweep\neach: ${each}\nmetric: score\noutput: metric\nworkers: 1\n`)
    const words = ['run', 'metric.yaml', '--import', './jobs.js', '-s', 'secrets.ini']
    const { code, stderr } = await project.flambeau(...words)
    assert.equal(code, 22)
    assert.match(stderr, /"score" must be a finite number, but the trial returned 'was \[secret\]'/)
    refusesAll(stderr + readFileSync(join(project.folder, 'metric/failed/01.yaml'), 'utf8'))
  })

  test('a worker that dies of an error that nobody caught prints it masked', async () => {
    const code = `const all = ${everyForm}; setTimeout(() => { throw new Error('uncaught ' + all) }); await delay(5000)`
    const each = `!Job { code: ${JSON.stringify(code)}, prepare: !choice [a] }`
    project.file('dies.yaml', `!Sweep\neach: ${each}\nmetric: score\noutput: dies\nworkers: 1\n`)
    const { stdout, stderr } = await project.flambeau(
      'run',
      'dies.yaml',
      '--import',
      './jobs.js',
      '-s',
      'secrets.ini',
    )
    assert.match(stderr, /uncaught \[secret\]/)
    assert.match(stderr, /killed its worker \(exit code 1\)/)
    refusesAll(stdout + stderr)
  })
})

describe('a run on a cluster', () => {
  let project: Project
  before(() => {
    project = new Project()
  })
  after(() => project.end())

  test('masks secrets in its log, whatever writes them there', async () => {
    const secrets = project.file('secrets.ini', `[AWS]\nKEY = ${canary}\n`)
    const folder = join(project.folder, 'hosts')
    await using cluster = new LocalCluster({ name: 'masked', folder, factories: 0, secrets: ['AWS'] })
    for (const last of [
      `throw new Error('thrown ' + all, { cause: new Error('cause ' + all) })`,
      `setTimeout(() => { throw new Error('thrown ' + all) }); await delay(5000)`,
      `Promise.reject(new Error('thrown ' + all)); await delay(5000)`,
    ]) {
      const code = `const all = ${everyForm}; console.log('printed', all); options.logger.info('logged', { all }); ${last}`
      const run = await cluster.submit(await project.job(code, { secrets }), { imports: [project.module] })
      const { state, exitCode } = await run.wait()
      assert.deepEqual([state, exitCode], ['failed', 1])
      const log = (await buffer(run.logs())).toString()
      for (const word of ['printed', 'thrown']) assert.match(log, new RegExp(`${word} \\[secret\\]`))
      assert.match(log, /logged \{[^}]*\[secret\]/)
      refusesAll(log)
      for (const file of filesBelow(folder).filter((file) => file.includes(`/runs/${run.id}/`)))
        refusesAll(readFileSync(file, 'utf8'))
    }
  })
})

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
