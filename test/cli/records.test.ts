// Every run of the command line is kept: what a record has, what it never has, and the commands that read it.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { runFile } from 'flambeau'
import { random } from '../support/random.js'
import { RecordProject } from '../support/record-project.js'
import { until } from '../support/until.js'

const ended = new Set(['succeeded', 'failed', 'cancelled', 'lost'])

/** The bytes of everything in a folder. */
function contentOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => statSync(join(folder, name)).isFile())
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

describe('the record of a run', () => {
  let project: RecordProject
  before(() => {
    project = new RecordProject()
    symlinkSync(join(process.cwd(), 'node_modules/zod'), join(project.folder, 'node_modules/zod'))
  })
  after(() => project.end())

  test('has its file, arguments, log, progress, result and end', async () => {
    project.file('rates.yaml', '{ small: 0.01 }\n')
    project.file('made.yaml', '!Train\nrate: !include rates.yaml#small\nsteps: 2\n')
    const { code, stdout } = await project.flambeau('run', 'made.yaml', 'steps=4')
    assert.equal(code, 0)
    assert.equal(project.textOf('run.yaml'), '!Train\nrate: 0.01\nsteps: 4\n')
    const record = project.record()
    assert.deepEqual(record['argv'], ['run', 'made.yaml', 'steps=4'])
    assert.deepEqual(record['set'], ['steps=4'])
    assert.deepEqual(record['options'], { '': '!Train', rate: 0.01, steps: 4 })
    assert.deepEqual(record['defaults'], { waitMs: 0 })
    assert.deepEqual([record['state'], record['exitCode'], record['tag']], ['succeeded', 0, '!Train'])
    const origins = Object.fromEntries(
      record['origins'].map(({ path, file, line }: any) => [path, `${file}:${line}`]),
    )
    assert.equal(origins['rate'], 'rates.yaml:1')
    assert.equal(origins['steps'], '<argument 1>:1')
    assert.deepEqual(Object.keys(record['modules']), ['base.js', 'train.js'])
    assert.ok(Date.parse(record['endedAt']) >= Date.parse(record['startedAt']))
    assert.deepEqual(JSON.parse(project.textOf('result.json')), { loss: 0.0025, base: 1 })
    assert.equal(JSON.parse(stdout.slice(stdout.indexOf('{'))).loss, 0.0025)
    assert.match(project.textOf('log.txt'), /^\d\d:\d\d:\d\d info {2}step 1\n(.*\n)+printed by the run\n$/)
    const steps = project.lines('metrics.jsonl')
    assert.deepEqual(
      steps.map(({ step, loss }) => [step, loss]),
      [1, 2, 3, 4].map((step) => [step, 0.01 / step]),
    )
    assert.ok(steps.every(({ _time }) => !Number.isNaN(Date.parse(_time))))
  })

  test('is for its owner only, and git ignores it', async () => {
    await project.flambeau('run', 'train.yaml')
    assert.equal(readFileSync(join(project.runs, '.gitignore'), 'utf8'), '*\n')
    assert.equal(statSync(project.runs).mode & 0o777, 0o700)
    const folder = join(project.runs, project.ids[0]!)
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name)
  })

  test('runs again from where it lies, with the extensions of its file', async () => {
    mkdirSync(join(project.folder, 'ext'), { recursive: true })
    project.file('ext/package.json', '{ "name": "ext", "type": "module", "exports": "./index.js" }')
    project.file(
      'ext/index.js',
      `import { Runnable, registrable } from 'flambeau'
export class Echo extends Runnable { run() { return 'echo' } }
registrable('!Echo')(Echo)`,
    )
    project.file('echo.yaml', 'tools: ./ext\n---\n!tools.Echo {}\n')
    assert.equal((await project.flambeau('run', 'echo.yaml')).stdout, 'echo\n')
    const id = project.ids[0]!
    assert.match(project.textOf('run.yaml'), new RegExp(`^tools: .*${project.folder}/ext`))
    const again = await project.flambeauIn(join('.flambeau/runs', id), 'run', 'run.yaml')
    assert.equal(again.stdout, 'echo\n', again.stderr)
  })

  test('of a run that failed says why, and that of a mistake has its problems', async () => {
    assert.equal((await project.flambeau('run', 'train.yaml', 'then=fail')).code, 1)
    const failed = project.record()
    assert.deepEqual([failed['state'], failed['exitCode']], ['failed', 1])
    assert.match(failed['error'], /it diverged/)
    assert.equal((await project.flambeau('run', 'train.yaml', 'rate=fast')).code, 22)
    const mistaken = project.record()
    assert.deepEqual([mistaken['state'], mistaken['exitCode']], ['failed', 22])
    assert.equal(mistaken['problems'][0].file, '<argument 1>')
  })

  test('of a run that exits, or is interrupted, has the right state', async () => {
    assert.equal((await project.flambeau('run', 'train.yaml', 'then=exit')).code, 7)
    const exited = project.record()
    assert.deepEqual([exited['state'], exited['exitCode']], ['failed', 7])
    const child = project.start('run', 'train.yaml', 'steps=1000', 'waitMs=100')
    const before = project.ids.length
    await until(
      () => project.ids.length > before && existsSync(project.path(project.ids[0]!, 'metrics.jsonl')),
    )
    child.kill('SIGINT')
    await once(child, 'close')
    const interrupted = project.record()
    assert.deepEqual([interrupted['state'], interrupted['exitCode']], ['cancelled', 130])
  })

  test('has no secret: of the secrets file, of variables, in results, logs, progress and errors', async () => {
    const canary = 'canary-0f3a9c1e77'
    const token = 'canary-5b8d2e6f10'
    project.file('secrets.ini', `[AWS]\nKEY = ${canary}\n`)
    project.file('secret.yaml', '!Train\ntext: !format "Bearer {then}"\nthen: !env API_TOKEN\n')
    const env = { ...project.env, API_TOKEN: token }
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [join(process.cwd(), 'dist/cli/main.js'), 'run', ...args], {
        cwd: project.folder,
        env,
        encoding: 'utf8',
      })
    const { status, stdout } = run('secret.yaml', '-s', 'secrets.ini')
    assert.equal(status, 0)
    assert.ok(stdout.includes(canary) && stdout.includes(token), 'the run itself has them')
    assert.equal(project.textOf('run.yaml'), '!Train\ntext: !format "Bearer {then}"\nthen: !env API_TOKEN\n')
    run('train.yaml', 'then=fail', `text=${canary}`, '-s', 'secrets.ini')
    for (const [name, text] of Object.entries(contentOf(project.runs)))
      assert.ok(!text.includes(canary) && !text.includes(token), `${name}: ${text}`)
    const again = await project.json('show', 'last', '--json')
    assert.equal(again.secrets, join(project.realFolder, 'secrets.ini'))
  })

  test('is not made with --no-record, outside of a project, and where the setting says so', async () => {
    const before = project.ids.length
    await project.flambeau('run', 'train.yaml', '--no-record')
    await project.flambeau('run', 'train.yaml', '--dry-run')
    assert.equal(project.ids.length, before)
    const off = new RecordProject({ runs: false })
    symlinkSync(join(process.cwd(), 'node_modules/zod'), join(off.folder, 'node_modules/zod'))
    assert.equal((await off.flambeau('run', 'train.yaml')).code, 0)
    assert.ok(!existsSync(join(off.folder, '.flambeau')))
    off.setting({ imports: ['./train.js'], runs: 'kept' })
    await off.flambeau('run', 'train.yaml')
    assert.equal(readdirSync(join(off.folder, 'kept')).filter((name) => /^\d/.test(name)).length, 1)
    rmSync(join(off.folder, 'package.json'))
    await off.flambeau('run', 'train.yaml', '--import', './train.js')
    assert.ok(!existsSync(join(off.folder, '.flambeau')))
    off.end()
  })

  test('is made in code where the program says so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flambeau-records-'))
    const outcome = await runFile({ content: '!Nothing {}' }, { record: folder, logger: silent })
    assert.equal(outcome.ok, false)
    assert.equal(JSON.parse(readFileSync(join(outcome.record!, 'run.json'), 'utf8')).exitCode, 22)
    const without = await runFile({ content: '!Nothing {}' }, { logger: silent })
    assert.equal(without.record, undefined)
    rmSync(folder, { recursive: true })
  })

  test('whose folder cannot be written costs a warning, and not the run', async () => {
    const blocked = new RecordProject({ runs: 'plain/runs' })
    symlinkSync(join(process.cwd(), 'node_modules/zod'), join(blocked.folder, 'node_modules/zod'))
    blocked.file('plain', '')
    const { code, stderr } = await blocked.flambeau('run', 'train.yaml')
    assert.equal(code, 0)
    const warnings = stderr.split('\n').filter((line) => line.includes('This run is not recorded'))
    assert.equal(warnings.length, 1, stderr)
    assert.match(warnings[0]!, /plain\/runs" cannot be written: .*\(ENOTDIR\)/)
    blocked.end()
  })

  test('ends when the disk is full, with one warning and the right state; the run goes on', async (context) => {
    const full = new RecordProject({ runs: 'disk/runs' })
    symlinkSync(join(process.cwd(), 'node_modules/zod'), join(full.folder, 'node_modules/zod'))
    const disk = join(full.folder, 'disk')
    mkdirSync(disk)
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'none', disk])
    if (mounted.status !== 0) return context.skip('cannot mount a small disk')
    try {
      const { code, stdout, stderr } = await full.flambeau('run', 'train.yaml', 'steps=5000')
      assert.equal(code, 0, stderr)
      assert.match(stdout, /"loss": 0.00002/)
      assert.equal(stderr.match(/The record of this run ends here/g)?.length, 1)
      assert.match(stderr, /its disk is full \(ENOSPC\)/)
      const [id] = readdirSync(join(disk, 'runs')).filter((name) => /^\d/.test(name))
      const record = JSON.parse(readFileSync(join(disk, 'runs', id!, 'run.json'), 'utf8'))
      assert.deepEqual([record.state, record.exitCode], ['succeeded', 0])
    } finally {
      spawnSync('umount', [disk])
      full.end()
    }
  })
})

describe('records', () => {
  let project: RecordProject
  before(() => {
    project = new RecordProject()
    symlinkSync(join(process.cwd(), 'node_modules/zod'), join(project.folder, 'node_modules/zod'))
  })
  after(() => project.end())

  test('of runs that start at the same time are kept apart', async () => {
    const ends = await Promise.all(
      Array.from({ length: 20 }, (_, n) => project.flambeau('run', 'train.yaml', `steps=${n + 1}`)),
    )
    assert.deepEqual(new Set(ends.map(({ code }) => code)), new Set([0]))
    assert.equal(project.ids.length, 20)
    const steps = project.ids.map((id) => project.record(id)['options'].steps).sort((a, b) => a - b)
    assert.deepEqual(
      steps,
      Array.from({ length: 20 }, (_, n) => n + 1),
    )
    for (const id of project.ids)
      assert.equal(project.lines('metrics.jsonl', id).length, project.record(id)['options'].steps)
  })

  test('are whole after kill -9 at any moment, and earlier ones stay as they are', async () => {
    const earlier = contentOf(project.runs)
    const seed = 17
    const next = random(seed)
    const kill = async (): Promise<void> => {
      for (let n = 0; n < 13; n++) {
        const child = project.start('run', 'train.yaml', 'steps=500', 'waitMs=5')
        // Half of them while the command starts, and the others while the run runs, however busy the machine is.
        if (n % 2 === 0) await once(child.stderr!, 'data')
        child.stderr!.resume()
        await delay(next() * 700)
        child.kill('SIGKILL')
        await once(child, 'close')
      }
    }
    await Promise.all([kill(), kill(), kill(), kill()])
    const now = contentOf(project.runs)
    for (const [name, text] of Object.entries(earlier))
      if (name !== '.index.json') assert.equal(now[name], text, name)
    const listed = await project.json('runs', '--json')
    assert.equal(listed.length, project.ids.length, 'no record is damaged')
    for (const { id, state } of listed) {
      assert.ok(ended.has(state), `${id} is ${state}`)
      assert.match(project.textOf('run.yaml', id), /^!Train/)
      const last = existsSync(project.path(id, 'metrics.jsonl')) ? project.textOf('metrics.jsonl', id) : ''
      for (const line of last.split('\n').slice(0, -1)) JSON.parse(line)
    }
    assert.ok(listed.some(({ state }: any) => state === 'lost'))
  })
})

describe('the commands on records', () => {
  let project: RecordProject
  let ids: string[]
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
      cwd: project.folder,
      encoding: 'utf8',
    })
  before(async () => {
    project = new RecordProject()
    symlinkSync(join(process.cwd(), 'node_modules/zod'), join(project.folder, 'node_modules/zod'))
    project.file('.gitignore', 'node_modules\n')
    git('init', '-q')
    git('add', '.')
    git('commit', '-qm', 'first')
    await project.flambeau('run', 'train.yaml', 'rate=0.5')
    project.file('base.js', 'export const base = 2\n')
    project.file(
      'train.js',
      readFileSync(join(project.folder, 'train.js'), 'utf8').replace('default(3)', 'default(4)'),
    )
    project.file('.env', 'PASSWORD=canary\n')
    await project.flambeau('run', 'train.yaml', 'rate=0.25')
    await project.flambeau('run', 'train.yaml', 'then=fail')
    ids = project.ids
  })
  after(() => project.end())

  test('runs lists the latest first', async () => {
    const { stdout } = await project.flambeau('runs')
    const lines = stdout.trimEnd().split('\n')
    assert.deepEqual(
      lines.map((line) => line.split(' ')[0]),
      ids,
    )
    assert.match(lines[0]!, /failed .* train\.yaml {2}then=fail {2}exit code 1$/)
    const one = await project.flambeau('runs', '--limit', '1')
    assert.equal(one.stdout.split('\n').length, 2)
    assert.match(one.stderr, /^2 more: ".*flambeau runs --all" lists them$/m)
    const listed = await project.json('runs', '--json')
    assert.deepEqual(
      listed.map(({ state, exitCode }: any) => [state, exitCode]),
      [
        ['failed', 1],
        ['succeeded', 0],
        ['succeeded', 0],
      ],
    )
  })

  test('show tells what was run, and one option of it', async () => {
    const { stdout } = await project.flambeau('show', ids[1]!)
    assert.match(stdout, /^state {4}succeeded \(exit code 0\)$/m)
    assert.match(stdout, /^command {2}flambeau run train\.yaml rate=0\.25$/m)
    assert.match(
      stdout,
      /^code {5}[0-9a-f]{12} on \S+, with uncommitted changes, 1 of them not in changes\.patch$/m,
    )
    assert.match(stdout, /^ {2}steps +4 +\(default\)$/m)
    assert.equal((await project.flambeau('show', ids[1]!, 'rate')).stdout, '0.25\n')
    assert.equal((await project.flambeau('show', ids[1]!, 'steps')).stdout, '4\n')
    assert.equal(await project.json('show', ids[1]!, 'steps', '--json'), 4)
    const wrong = await project.flambeau('show', 'last', 'rat')
    assert.equal(wrong.code, 22)
    assert.match(wrong.stderr, /"rat".*did you mean "rate"\?/)
    const whole = await project.json('show', ids[1]!, '--json')
    assert.deepEqual(whole.result, { loss: 0.0625, base: 2 })
  })

  test('diff compares options with their defaults, then code', async () => {
    const { stdout, code } = await project.flambeau('diff', ids[2]!, ids[1]!)
    assert.equal(code, 0)
    assert.match(stdout, /^ {2}rate +0\.5 +-> +0\.25$/m)
    assert.match(stdout, /^ {2}steps +3 \(default\) +-> +4 \(default\)$/m)
    assert.match(stdout, /^ {2}base\.js: changed$/m)
    assert.match(stdout, /^ {2}changes of base\.js: only in the second$/m)
    assert.match(stdout, /^The same: packages, environment$/m)
    const compared = await project.json('diff', ids[2]!, ids[1]!, '--json')
    assert.deepEqual(compared.options, [
      { name: 'rate', a: { value: 0.5 }, b: { value: 0.25 } },
      { name: 'steps', a: { value: 3, isDefault: true }, b: { value: 4, isDefault: true } },
    ])
    const same = await project.flambeau('diff', ids[1]!, ids[1]!, '--exit-code')
    assert.deepEqual([same.code, /have the same options/.test(same.stdout)], [0, true])
    assert.equal((await project.flambeau('diff', ids[2]!, ids[1]!, '--exit-code')).code, 1)
  })

  test('the patch of a record gives the tree of the run, without private files', () => {
    const patch = project.path(ids[1]!, 'changes.patch')
    assert.doesNotMatch(readFileSync(patch, 'utf8'), /canary|\.env/)
    const clone = mkdtempSync(join(tmpdir(), 'flambeau-clone-'))
    execFileSync('git', ['clone', '-q', project.folder, clone])
    execFileSync('git', ['apply', patch], { cwd: clone })
    for (const name of ['base.js', 'train.js'])
      assert.equal(readFileSync(join(clone, name), 'utf8'), readFileSync(join(project.folder, name), 'utf8'))
    rmSync(clone, { recursive: true })
  })

  test('are repeated with the seed that they were given, or with another one', async () => {
    const project = new RecordProject({ imports: ['./draw.js'] })
    project.file(
      'draw.js',
      "import { registrable, Runnable } from 'flambeau'\nclass Draw extends Runnable { run({ seed }) { return { seed } } }\nregistrable('!Draw')(Draw)\n",
    )
    project.file('draw.yaml', '!Draw {}\n')
    const run = async (...args: string[]) =>
      JSON.parse((await project.flambeau(...args, '--quiet')).stdout).seed
    assert.equal(await run('run', 'draw.yaml', '--seed', '5'), 5)
    assert.equal(project.record().seed, 5)
    assert.equal(await run('rerun', 'last'), 5)
    assert.equal(await run('rerun', 'last', '--seed', '6'), 6)
    project.end()
  })

  test('rerun runs the same file, says when the code is another, and takes overrides', async () => {
    const again = await project.flambeau('rerun', ids[2]!, 'steps=2')
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stderr, /^Same file, other code: .*base\.js/m)
    const record = project.record()
    assert.deepEqual(
      [record['rerunOf'], record['file'], record['options'].rate, record['options'].steps],
      [ids[2], 'train.yaml', 0.5, 2],
    )
    const same = await project.flambeau('rerun', ids[1]!)
    assert.doesNotMatch(same.stderr, /other code/)
    assert.equal(JSON.parse(project.textOf('result.json')).loss, 0.0625)
  })

  test('logs, wait and status read what the record has', async () => {
    assert.equal((await project.flambeau('logs', ids[1]!)).stdout, project.textOf('log.txt', ids[1]!))
    assert.equal((await project.flambeau('logs', ids[1]!, '--tail', '1')).stdout, 'printed by the run\n')
    const lines = (await project.flambeau('logs', ids[1]!, '--json')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(lines.map(({ level, message }) => [level, message]).slice(-2), [
      ['info', 'step 4'],
      [undefined, 'printed by the run'],
    ])
    const waited = await project.flambeau('wait', ids[1]!)
    assert.deepEqual([waited.code, JSON.parse(waited.stdout).loss], [0, 0.0625])
    const failed = await project.flambeau('wait', ids[0]!)
    assert.deepEqual([failed.code, /it diverged/.test(failed.stderr)], [1, true])
    assert.equal((await project.json('status', ids[0]!, '--json')).state, 'failed')
  })

  test('cancel interrupts a run of this machine, and wait sees its end', async () => {
    const child = project.start('run', 'train.yaml', 'steps=1000', 'waitMs=100')
    child.stderr!.resume()
    const closed = once(child, 'close')
    const before = project.ids[0]
    await until(() => project.ids[0] !== before && existsSync(project.path(project.ids[0]!, 'metrics.jsonl')))
    const id = project.ids[0]!
    const followed = project.flambeau('logs', id, '--follow')
    const waited = project.flambeau('wait', id)
    const cancelled = await project.flambeau('cancel', id)
    assert.match(cancelled.stderr, new RegExp(`^Cancelled run ${id}$`, 'm'))
    assert.deepEqual(await closed, [130, null])
    assert.equal((await waited).code, 130)
    assert.match((await followed).stdout, /Interrupted/)
    assert.match((await project.flambeau('cancel', id)).stderr, /had already ended \(cancelled\)/)
  })

  test('an id is any beginning of one that is unique, and mistakes say what there is', async () => {
    const id = ids[0]!
    assert.equal((await project.json('show', id.slice(0, -1), '--json')).id, id)
    assert.equal((await project.json('show', 'last~1', '--json')).id, project.ids[1])
    assert.match(
      (await project.flambeau('show', 'last~999')).stderr,
      /There is no run "last~999": \d+ runs are recorded/,
    )
    const unknown = await project.flambeau('show', 'nope')
    assert.equal(unknown.code, 22)
    assert.match(unknown.stderr, /^There is no run "nope": ".*flambeau runs" lists them, and "last" is \d/m)
    const several = await project.flambeau('show', '2')
    assert.equal(several.code, 22)
    assert.match(several.stderr, /^"2" is the beginning of \d+ ids: .*; type more of the one that you mean$/m)
    assert.doesNotMatch(unknown.stderr + several.stderr, /^\s+at /m)
  })

  test('prune removes what has ended, but says what it needs first', async () => {
    const refused = await project.flambeau('prune')
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /add "--keep NUMBER" or "--days NUMBER"/)
    const count = project.ids.length
    const kept = project.ids.slice(0, 2)
    const planned = await project.flambeau('prune', '--keep', '2', '--dry-run')
    assert.match(planned.stdout, new RegExp(`^Would remove ${count - 2} of ${count} runs`))
    assert.equal(project.ids.length, count)
    assert.equal((await project.json('prune', '--keep', '2', '--json')).removed.length, count - 2)
    assert.deepEqual(project.ids, kept)
    assert.match((await project.flambeau('prune', '--days', '1')).stdout, /^Removed 0 of 2 runs/)
  })

  test('outside of a project they say what to do', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flambeau-outside-'))
    writeFileSync(join(folder, 'job.yaml'), '')
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(process.cwd(), 'dist/cli/main.js'), 'show', 'last'],
      {
        cwd: folder,
        env: project.env,
        encoding: 'utf8',
      },
    )
    assert.equal(status, 22)
    assert.match(stderr, /^Runs are recorded in a project only: go to a folder with a "package\.json"/m)
    rmSync(folder, { recursive: true })
  })
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }
