// What cannot be written or read: the message names the path and what to do, and the exit code is never 0.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { dump } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'
import { Project } from '../support/cluster-project.js'
import { TrialProject } from '../support/trial-project.js'

const cli = join(process.cwd(), 'dist/cli/main.js')
const isRoot = process.getuid?.() === 0
const canChangeUser = isRoot && spawnSync('setpriv', ['--version']).status === 0
const hasFull = existsSync('/dev/full')

/** Mounts a disk of 64 KB at a folder that it creates, or says why it cannot. */
function mountSmall(folder: string): string | undefined {
  mkdirSync(folder)
  const options = 'size=64k,mode=0777'
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', folder])
  return status === 0 ? undefined : `cannot mount a small disk: ${stderr}`
}

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

const { NODE_TEST_CONTEXT: _, FORCE_COLOR: __, ...env } = process.env

/** Runs the command line as a user who owns nothing. */
function asNobody(folder: string, ...args: readonly string[]): Ended {
  const user = ['--reuid=65534', '--regid=65534', '--clear-groups']
  const { status, stderr } = spawnSync('setpriv', [...user, process.execPath, cli, ...args], {
    cwd: folder,
    env: { ...env, HOME: folder },
    encoding: 'utf8',
  })
  return { code: status, stderr }
}

function assertNotWritten({ code, stderr }: Ended, path: string, why: RegExp): void {
  const said = stderr.split('\n').find((line) => line.startsWith(`"${path}" could not be written: `))
  assert.ok(said, stderr)
  assert.match(said, why)
  assert.doesNotMatch(stderr, /^\s+at /m)
  assert.equal(code, 74)
}

describe('a file', () => {
  let project: TrialProject
  let disk: string
  before(() => {
    project = new TrialProject()
    chmodSync(project.folder, 0o755)
    mkdirSync(join(project.folder, 'sweep'))
    const record = { trial: '1', key: '1', options: {}, metric: 1, durationMs: 1, host: 'h', attempts: 1 }
    project.file('sweep/sweep.json', JSON.stringify({ metric: 'score', goal: 'max', trials: 1 }))
    project.file('sweep/results.jsonl', `${JSON.stringify(record)}\n`)
    project.file('plain', 'a file')
    disk = join(project.folder, 'disk')
  })
  after(() => {
    spawnSync('umount', [disk])
    project.end()
  })

  test('that a report would be: a folder, below a file, in no folder', async () => {
    const report = (output: string) => project.flambeau('report', 'sweep', '--output', output)
    assertNotWritten(await report('sweep'), 'sweep', /it is a folder \(EISDIR\): name a file in it/)
    assertNotWritten(await report('plain/a'), 'plain/a', /a part of the path is a file \(ENOTDIR\): name/)
    assertNotWritten(await report('none/a'), 'none/a', /folder does not exist \(ENOENT\): create the folder/)
  })

  test('of another user is neither written nor read', {
    skip: !canChangeUser && 'needs root and setpriv',
  }, () => {
    const denied = /access is denied \(EACCES\): .*change its owner or mode, or name another path/
    assertNotWritten(asNobody(project.folder, 'report', 'sweep'), join('sweep', 'report.html'), denied)
    project.file('job.yaml', '!Trial\n')
    assertNotWritten(asNobody(project.folder, 'lock', 'job.yaml'), 'job.lock.yaml', denied)
    chmodSync(join(project.folder, 'job.yaml'), 0o600)
    const { code, stderr } = asNobody(project.folder, 'run', 'job.yaml')
    assert.equal(code, 22)
    assert.match(stderr, /^"job\.yaml" cannot be read \(EACCES\): .* change its owner or mode$/m)
    mkdirSync(join(project.folder, 'private'), { mode: 0o700 })
    for (const operand of ['private', 'private/*.yaml', '**/*.yaml']) {
      const { code, stderr } = asNobody(project.folder, 'check', operand)
      assert.match(stderr, /^"private" cannot be read \(EACCES\)/m)
      assert.equal(code, 22)
    }
  })

  const results = (output: string, trial: object): string[] => {
    const options = { trial, count: 1, pool: { workers: 1, folder: output }, map: { output } }
    project.file('trials.yaml', `!Trials ${JSON.stringify(options)}\n`)
    return ['run', 'trials.yaml', '--import', './trials.js']
  }

  test('of results, where the folder cannot be', async () => {
    const { code, stderr } = await project.flambeau(...results('plain/out', {}))
    assertNotWritten({ code, stderr }, 'plain/out', /a part of the path is a file \(ENOTDIR\)/)
  })

  test('of a failed task, where a file has the name of the folder', async () => {
    mkdirSync(join(project.folder, 'out'))
    project.file('out/failed', '')
    const { code, stderr } = await project.flambeau(...results('out', { exits: true }))
    assert.notEqual(code, 0)
    assert.match(stderr, /"out\/failed\/t0\.yaml" could not be written: a file with the name .* \(EEXIST\)/)
  })

  test('on a full disk, or one that is read-only', async (context) => {
    const reason = mountSmall(disk)
    if (reason !== undefined) return context.skip(reason)
    const fill = (): void => {
      spawnSync('sh', ['-c', `cat /dev/zero > ${disk}/zeros`])
    }
    fill()
    const output = join(disk, 'report.html')
    const report = () => project.flambeau('report', 'sweep', '--output', output)
    assertNotWritten(await report(), output, /its disk is full \(ENOSPC\): free some space, or name a path/)
    const file = join(disk, 'job.yaml')
    rmSync(join(disk, 'zeros'))
    writeFileSync(file, '!Trial\n')
    fill()
    assertNotWritten(await project.flambeau('lock', file), join(disk, 'job.lock.yaml'), /ENOSPC/)
    assert.deepEqual(
      readdirSync(disk).filter((name) => name.endsWith('.incoming')),
      [],
    )
    execFileSync('mount', ['-o', 'remount,ro', disk])
    assertNotWritten(await report(), output, /its file system is read-only \(EROFS\): name a path on another/)
  })
})

describe('the commands of a cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-lost-'))
  let project: Project
  let id: string
  before(async () => {
    project = new Project()
    project.file('lab.yaml', dump(new LocalCluster({ name: 'lost', folder, factories: 0 })))
    project.jobFile(
      `options.logger.info('loading\\nmore'); options.logger.warn('slow'); console.log('x'.repeat(200_000)); files.writeFileSync('big', 'x'.repeat(100_000)); return { a: 1 }`,
    )
    const { stderr } = await project.flambeau('run', 'job.yaml', '--import', './jobs.js', '-c', 'lab.yaml')
    id = /Run (\S+) is started/.exec(stderr)?.[1] ?? stderr
  })
  after(async () => {
    await project.flambeau('down', 'lab.yaml', '--force')
    project.end()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Runs the command line in a shell; returns what it says, and its exit code. */
  function inShell(redirection: string, ...args: readonly string[]): Ended {
    const script = `"$@" ${redirection}; exit \${PIPESTATUS[0]}`
    const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', process.execPath, cli, ...args], {
      cwd: project.folder,
      env,
      encoding: 'utf8',
    })
    return { code: status, stderr }
  }

  const printing = () => [
    ['run', 'job.yaml', '--import', './jobs.js', '-c', 'lab.yaml'],
    ['run', 'job.yaml', '--import', './jobs.js', '-c', 'lab.yaml', '--json'],
    ['wait', id, '-c', 'lab.yaml'],
    ['status', id, '-c', 'lab.yaml', '--json'],
    ['runs', '-c', 'lab.yaml', '--json'],
    ['logs', id, '-c', 'lab.yaml'],
    ['resolve', 'job.yaml'],
  ]

  test('exit with 74 when standard output is a full disk', {
    skip: !hasFull && 'there is no /dev/full',
  }, () => {
    for (const args of printing()) {
      const { code, stderr } = inShell('> /dev/full', ...args)
      assert.match(
        stderr,
        /The result could not be written to standard output: its disk is full/,
        args.join(' '),
      )
      assert.doesNotMatch(stderr, /^\s+at /m)
      assert.equal(code, 74, args.join(' '))
    }
  })

  test('exit with 74 when the reader of standard output has gone', () => {
    for (const args of printing()) {
      const { code, stderr } = inShell('| exec true', ...args)
      assert.match(stderr, /it was closed by its reader \(EPIPE\): to keep the result, write it to a file/)
      assert.doesNotMatch(stderr, /^\s+at /m)
      assert.equal(code, 74, args.join(' '))
    }
  })

  test('a run that is followed does not need a reader of its log', () => {
    const run = ['run', 'job.yaml', '--import', './jobs.js', '-c', 'lab.yaml']
    assert.equal(inShell('2>&1 >/dev/null | exec true', ...run).code, 0)
  })

  test('fetch names the path that cannot be written', async (context) => {
    const fetch = (target: string) => project.flambeau('fetch', id, 'big', target, '-c', 'lab.yaml')
    project.file('plain', 'a file')
    assertNotWritten(await fetch('plain/big'), 'plain/big', /\(ENOTDIR\)|\(EEXIST\)/)
    const disk = join(project.folder, 'disk')
    const reason = mountSmall(disk)
    if (reason !== undefined) return context.skip(reason)
    try {
      assertNotWritten(await fetch(join(disk, 'big')), join(disk, 'big'), /its disk is full \(ENOSPC\)/)
      assert.deepEqual(readdirSync(disk), [])
    } finally {
      execFileSync('umount', [disk])
    }
  })

  test('run -c has the log lines of its host once, and --quiet leaves out those without a warning', async () => {
    const run = ['run', 'job.yaml', '--import', './jobs.js', '-c', 'lab.yaml']
    const { stderr } = await project.flambeau(...run)
    assert.match(stderr, /^\d\d:\d\d:\d\d info {2}loading\n {15}more\n\d\d:\d\d:\d\d warn {2}slow\nx/m)
    const quiet = await project.flambeau(...run, '--quiet')
    assert.equal(quiet.code, 0)
    assert.match(quiet.stderr, /^\d\d:\d\d:\d\d warn {2}slow\nx+\n$/)
    assert.deepEqual(JSON.parse(quiet.stdout), { a: 1 })
  })

  test('run -c --json prints one object for success and failure', async () => {
    const run = ['run', 'job.yaml', '--import', './jobs.js', '-c', 'lab.yaml', '--json', '--force']
    const { stdout } = await project.flambeau(...run)
    const { run: name, ...rest } = JSON.parse(stdout)
    assert.deepEqual(rest, { value: { a: 1 }, exitCode: 0, problems: [], error: null })
    assert.match(name, /^\d{8}-\d{6}-/)
    const failed = await project.flambeau(...run, 'code="throw new Error(1)"')
    const report = JSON.parse(failed.stdout)
    assert.deepEqual([failed.code, report.exitCode, report.value], [1, 1, null])
    assert.equal(report.error, `Run ${report.run} failed: its log says why`)
    const wrong = await project.flambeau(...run, 'code=!Nobody {}')
    assert.equal(JSON.parse(wrong.stdout).problems[0].code, 'UNKNOWN_TAG')
    const planned = await project.flambeau(...run, '--dry-run')
    assert.equal(JSON.parse(planned.stdout).exitCode, 0)
    assert.match(planned.stderr, /would run "job\.yaml"/)
  })
})
