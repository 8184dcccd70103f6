// `flambeau view` and `flambeau report` as they are typed: what they print, open and write, and what they say of mistakes.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { CliProject } from '../support/cli-project.js'
import { RecordProject } from '../support/record-project.js'
import { noBrowser, openPage, startBrowser, writeSweep } from '../support/sweep-data.js'
import { until } from '../support/until.js'
import { endOf, UserPackage } from '../support/user-package.js'
import { ViewProcess } from '../support/view-server.js'

const cli = join(process.cwd(), 'dist/cli/main.js')

let project: RecordProject
const children: ChildProcess[] = []
before(async () => {
  project = new RecordProject()
  symlinkSync(join(process.cwd(), 'node_modules/zod'), join(project.folder, 'node_modules/zod'))
  for (const rate of ['0.1', '0.2']) await project.flambeau('run', 'train.yaml', `rate=${rate}`)
  writeSweep(join(project.folder, 'sweep'), 10)
  mkdirSync(join(project.folder, 'empty'))
})
after(() => {
  for (const child of children) child.kill('SIGKILL')
  project.end()
})

async function startView(...args: string[]): Promise<ViewProcess> {
  const view = await ViewProcess.start(project, ...args)
  children.push(view.child)
  return view
}

describe('flambeau view', () => {
  test('prints nothing but the address on standard output, and ends in good order', async () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const child = spawn(process.execPath, [cli, 'view'], {
        cwd: project.folder,
        env: project.env,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      children.push(child)
      child.stdout.once('data', () => child.kill(signal))
      const { code, stdout, stderr } = await endOf(child)
      assert.equal(code, 0)
      assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]+\n$/)
      assert.match(stderr, /^Press Ctrl-C to end\n$/)
    }
  })

  test('ends at once, whoever is connected', async () => {
    const view = await startView()
    const socket = connect(Number(view.url.port), '127.0.0.1').on('error', () => {})
    socket.write('GET / HTTP/1.1\r\n')
    await once(socket, 'connect')
    await view.ask('/api/runs', { headers: { ...view.authorized, Connection: 'keep-alive' } })
    const closed = once(socket, 'close')
    assert.equal(await view.stop(), 0)
    await closed
  })

  test('begins at the run that is named: by its id, a beginning of it, "last", or a folder', async () => {
    const [last, first] = project.ids as [string, string]
    const hashes = {
      [first]: first,
      [first.slice(0, -1)]: first,
      last,
      'last~1': first,
      sweep: 'sweep',
      './sweep/': 'sweep',
      [join('.flambeau/runs', first)]: first,
    }
    for (const [wanted, id] of Object.entries(hashes)) {
      const view = await startView(wanted)
      assert.equal(view.url.hash, `#/runs/${id}`, wanted)
      assert.equal((await view.json(`runs/${id}`)).id, id, wanted)
      await view.stop()
    }
  })

  test('shows that there are no runs yet, and runs that start later', async () => {
    const other = new RecordProject()
    symlinkSync(join(process.cwd(), 'node_modules/zod'), join(other.folder, 'node_modules/zod'))
    try {
      const view = await ViewProcess.start(other)
      children.push(view.child)
      assert.deepEqual(await view.json('runs'), { runs: [], total: 0 })
      await other.flambeau('run', 'train.yaml')
      const { runs, total } = await view.json('runs')
      assert.deepEqual([runs[0].id, runs[0].state, total], [other.ids[0], 'succeeded', 1])
      await view.stop()
    } finally {
      other.end()
    }
  })

  const mistakes: Record<string, [args: string[], message: RegExp]> = {
    'an unknown id': [['nope'], /^There is no run "nope": ".*flambeau runs" lists them, and "last" is \d/],
    'an id of several runs': [['2'], /^"2" is the beginning of 2 ids: /],
    'a folder without results': [['empty'], /^"empty" has no results of a sweep: name the "output" of one/],
    'a folder that does not exist': [['./none'], /^"\.\/none" has no results of a sweep/],
    'a file': [['train.yaml'], /^"train\.yaml" has no results of a sweep/],
  }
  for (const [name, [args, message]] of Object.entries(mistakes))
    for (const command of ['view', 'report'])
      test(`${command}: ${name} is a mistake`, async () => {
        const { code, stdout, stderr } = await project.flambeau(command, ...args)
        assert.deepEqual([code, stdout], [22, ''])
        assert.match(stderr, message)
        assert.doesNotMatch(stderr, /^\s+at /m)
      })

  test('a typo in an id names the run that was meant', async () => {
    const [id] = project.ids as [string]
    const typo = `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`
    const { code, stderr } = await project.flambeau('view', typo)
    assert.equal(code, 22)
    assert.match(stderr, new RegExp(`There is no run "${typo}".*"?${id}`))
  })

  test('needs a project, and one whose runs are recorded', async () => {
    const bare = mkdtempSync(join(tmpdir(), 'flambeau-outside-'))
    const off = new CliProject({ runs: false })
    try {
      const outside = spawn(process.execPath, [cli, 'view'], { cwd: bare, env: project.env, stdio: 'pipe' })
      for (const { code, stderr } of [await endOf(outside), await off.flambeau('view')]) {
        assert.equal(code, 22)
        assert.match(stderr, /^Runs are recorded in a project only/)
      }
    } finally {
      off.end()
      rmSync(bare, { recursive: true })
    }
  })

  test('takes a port, and says when it is taken', async () => {
    const first = await startView()
    const { code, stdout, stderr } = await project.flambeau('view', '--port', first.url.port)
    assert.deepEqual([code, stdout], [22, ''])
    assert.equal(
      stderr,
      `Port ${first.url.port} is in use: name another one in "--port", or leave it out for a free one\n`,
    )
    const { port } = first.url
    await first.stop()
    const second = await startView('--port', port)
    assert.equal(second.url.port, port)
    await second.stop()
    for (const wrong of ['65536', '-1', 'x', '1.5', ''])
      assert.match((await project.flambeau('view', `--port=${wrong}`)).stderr, /a number from 0 to 65535/)
  })
})

describe('the browser that flambeau view starts', () => {
  let programs: string
  let opened: string
  before(() => {
    programs = join(project.folder, 'programs')
    opened = join(project.folder, 'opened.txt')
    mkdirSync(programs)
    const program = join(programs, process.platform === 'darwin' ? 'open' : 'xdg-open')
    writeFileSync(
      program,
      `#!/bin/sh\nprintf '%s\\n' "$@" > '${opened}.draft' && mv '${opened}.draft' '${opened}'\n`,
    )
    chmodSync(program, 0o755)
  })

  /** Types the command in a terminal; gives what it shows. */
  async function inTerminal(command: string): Promise<{ url: URL; end(): Promise<void> }> {
    // Under "exec", Ctrl-C reaches the command alone: a shell that waits for it would end with 130 itself.
    const exec = `exec '${process.execPath}' '${cli}' ${command}`
    const child = spawn('script', ['-qfec', exec, '/dev/null'], {
      cwd: project.folder,
      env: { ...project.env, PATH: `${programs}:${process.env['PATH']}` },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    children.push(child)
    let shown = ''
    child.stdout.on('data', (chunk) => {
      shown += chunk
    })
    await until(() => shown.includes('Press Ctrl-C to end'))
    const [address] = /http:\S+/.exec(shown)!
    return {
      url: new URL(address),
      async end() {
        const closed = once(child, 'close')
        child.stdin.write('\u0003')
        assert.deepEqual(await closed, [0, null])
      },
    }
  }

  test('gets an address that opens the page once, and has no token for others to see', {
    skip: noBrowser,
  }, async () => {
    const terminal = await inTerminal('view last')
    await until(() => existsSync(opened))
    const launch = readFileSync(opened, 'utf8').trimEnd()
    const token = terminal.url.searchParams.get('token')!
    assert.match(
      launch,
      new RegExp(
        `^http://127\\.0\\.0\\.1:${terminal.url.port}/\\?launch=[\\w-]{32}#/runs/${project.ids[0]}$`,
      ),
    )
    assert.ok(!launch.includes(token))
    const other = launch.replace(/launch=[^#]*/, 'launch=wrong')
    assert.equal((await fetch(other)).status, 403)
    const browser = await startBrowser()
    try {
      const { page } = await openPage(browser, launch)
      await page.getByRole('heading', { name: 'train.yaml' }).waitFor()
      assert.equal(page.url(), terminal.url.href)
      assert.equal((await fetch(launch)).status, 403)
      await page.reload()
      await page.getByRole('heading', { name: 'train.yaml' }).waitFor()
    } finally {
      await browser.close()
    }
    await terminal.end()
  })

  test('is not started with --no-open', async () => {
    rmSync(opened, { force: true })
    const terminal = await inTerminal('view --no-open')
    assert.equal((await fetch(terminal.url)).status, 200)
    await terminal.end()
    assert.ok(!existsSync(opened))
  })
})

describe('flambeau report', () => {
  test('writes the page of a run into the current folder, and that of a folder into it', async () => {
    const [id] = project.ids
    for (const wanted of ['last', id!]) {
      const { code, stdout } = await project.flambeau('report', wanted)
      assert.deepEqual([code, stdout], [0, `report-${id}.html\n`])
    }
    assert.match(project.read(`report-${id}.html`), /"tag":"!Train"/)
    assert.equal((await project.flambeau('report', 'sweep')).stdout, 'sweep/report.html\n')
    const folder = join('.flambeau/runs', id!)
    const { stdout } = await project.flambeau('report', folder, '--output', 'named.html')
    assert.equal(stdout, 'named.html\n')
    assert.match(project.read('named.html'), /"tag":"!Train"/)
  })

  test('replaces no file that is not a report, unless told', async () => {
    const file = project.file('thesis.html', 'years of work')
    const refused = await project.flambeau('report', 'last', '-o', 'thesis.html')
    assert.equal(refused.code, 22)
    assert.match(refused.stderr, /^"thesis\.html" exists, but is not a report: .* "--force" to replace it/)
    assert.equal(readFileSync(file, 'utf8'), 'years of work')
    assert.equal((await project.flambeau('report', 'last', '-o', 'thesis.html', '--force')).code, 0)
  })

  test('of a folder needs no project', async () => {
    const bare = new UserPackage('bare')
    try {
      rmSync(join(bare.folder, 'package.json'))
      writeSweep(join(bare.folder, 'out'), 8)
      const child = spawn(process.execPath, [cli, 'report', 'out'], {
        cwd: bare.folder,
        env: project.env,
        stdio: 'pipe',
      })
      const { code, stdout } = await endOf(child)
      assert.deepEqual([code, stdout], [0, 'out/report.html\n'])
    } finally {
      bare.end()
    }
  })
})
