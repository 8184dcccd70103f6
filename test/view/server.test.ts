// The server of the live page: who may ask it, what it answers, and a page that shows a run while it runs.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { RecordProject } from '../support/record-project.js'
import { noBrowser, openPage, startBrowser, writeSweep } from '../support/sweep-data.js'
import { until } from '../support/until.js'
import { ViewProcess } from '../support/view-server.js'

let project: RecordProject
before(async () => {
  project = new RecordProject()
  symlinkSync(join(process.cwd(), 'node_modules/zod'), join(project.folder, 'node_modules/zod'))
  await project.flambeau('run', 'train.yaml')
})
/** What a failed test would leave. */
const children: ChildProcess[] = []
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
  let view: ViewProcess
  let url: URL
  let authorized: Record<string, string>
  before(async () => {
    view = await startView()
    ;({ url, authorized } = view)
  })
  after(async () => {
    assert.equal(await view.stop(), 0)
  })

  test('listens on this machine alone, on a free port, with a token in its address', () => {
    assert.equal(url.hostname, '127.0.0.1')
    assert.ok(Number(url.port) > 1023)
    assert.match(url.searchParams.get('token')!, /^[\w-]{32}$/)
    const listening = readFileSync('/proc/net/tcp', 'utf8')
    const port = Number(url.port).toString(16).toUpperCase().padStart(4, '0')
    assert.match(listening, new RegExp(` 0100007F:${port} `))
  })

  test('answers whoever has the token, and nobody else', async () => {
    assert.equal((await view.ask('/')).status, 403)
    assert.equal((await view.ask('/?token=wrong')).status, 403)
    assert.equal((await view.ask('/api/runs')).status, 403)
    assert.equal((await view.ask(`/api/runs?token=${url.searchParams.get('token')}`)).status, 403)
    const page = await view.ask(`/?token=${url.searchParams.get('token')}`)
    assert.equal(page.status, 200)
    assert.match(String(page.headers['content-type']), /^text\/html/)
    assert.equal(page.headers['referrer-policy'], 'no-referrer')
    assert.equal(page.headers['x-content-type-options'], 'nosniff')
    assert.match(page.body, /connect-src 'self'/)
    const { runs } = JSON.parse((await view.ask('/api/runs', { headers: authorized })).body)
    assert.deepEqual(
      runs.map(({ id }: any) => id),
      project.ids,
    )
  })

  test('refuses other hosts, other origins and everything that is not read', async () => {
    for (const host of ['evil.example', `evil.example:${url.port}`, '127.0.0.1', `127.0.0.1:1`])
      assert.equal(
        (await view.ask('/api/runs', { headers: { ...authorized, Host: host } })).status,
        403,
        host,
      )
    for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:1`])
      assert.equal(
        (await view.ask('/api/runs', { headers: { ...authorized, Origin: origin } })).status,
        403,
        origin,
      )
    const own = { ...authorized, Origin: `http://localhost:${url.port}`, Host: `localhost:${url.port}` }
    assert.equal((await view.ask('/api/runs', { headers: own })).status, 200)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      assert.equal((await view.ask('/api/runs', { headers: authorized, method })).status, 405, method)
  })

  test('no request leads to a file', async () => {
    const [id] = project.ids
    const paths = [
      '/api/runs/..',
      '/api/runs/%2e%2e%2f%2e%2e',
      `/api/runs/${id}/../../../package.json`,
      `/api/runs/${id}/run.json`,
      `/api/runs/${id}/log/x`,
      `/api/runs/${id}/log?from=-1`,
      `/api/runs/${id}/log?from=x`,
      '/api/runs/.index.json',
      '/api/runs/%00',
      '/../../etc/passwd',
      '/api/runs/%',
    ]
    for (const path of paths) assert.equal((await view.ask(path, { headers: authorized })).status, 404, path)
  })

  test('gives the files of a run from any byte on, in whole lines', async () => {
    const [id] = project.ids
    const log = project.textOf('log.txt', id)
    const whole = JSON.parse((await view.ask(`/api/runs/${id}/log`, { headers: authorized })).body)
    assert.deepEqual(whole, { text: log, next: Buffer.byteLength(log) })
    const first = log.indexOf('\n') + 1
    const rest = JSON.parse(
      (await view.ask(`/api/runs/${id}/log?from=${first}`, { headers: authorized })).body,
    )
    assert.equal(rest.text, log.slice(first))
    const trials = JSON.parse((await view.ask(`/api/runs/${id}/trials`, { headers: authorized })).body)
    assert.deepEqual(trials, { text: '', next: 0 })
    const detail = JSON.parse((await view.ask(`/api/runs/${id}`, { headers: authorized })).body)
    assert.deepEqual([detail.yaml, detail.result.base, detail.options.steps], ['!Train {}\n', 1, 3])
  })

  test('answers HEAD without a body, and refuses what is no address', async () => {
    const head = await view.ask('/api/runs', { headers: authorized, method: 'HEAD' })
    assert.deepEqual([head.status, head.body], [200, ''])
    for (const path of ['//', 'http://[', '/api/runs#x', '*'])
      assert.ok([400, 403, 404].includes((await view.ask(path)).status), path)
  })

  test('every answer says that nobody may store, frame or reinterpret it', async () => {
    const token = url.searchParams.get('token')
    for (const path of ['/', '/api/runs', `/?token=${token}`, '/api/nothing']) {
      const { headers } = await view.ask(path, { headers: authorized })
      assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/, path)
      assert.equal(headers['cache-control'], 'no-store', path)
      assert.equal(headers['x-content-type-options'], 'nosniff', path)
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path)
    }
  })

  const isRoot = process.getuid?.() === 0
  test('another user of this machine gets nothing', {
    skip: !isRoot && 'only root has other users',
  }, async () => {
    // Whatever there is to see: the address, and the command lines of processes.
    const script = `
      const { readFileSync } = require('node:fs')
      const seen = readFileSync('/proc/${view.child.pid}/cmdline', 'utf8')
      const found = readable => { try { return readFileSync(readable, 'utf8') } catch { return '' } }
      const hidden = found('/proc/${view.child.pid}/environ') + found('${project.path(project.ids[0]!)}')
      fetch('http://127.0.0.1:${url.port}/api/runs').then(({ status }) => console.log(JSON.stringify({ seen, hidden, status })))`
    const { stdout } = spawnSync(process.execPath, ['-e', script], {
      uid: 65534,
      gid: 65534,
      encoding: 'utf8',
    })
    const { seen, hidden, status } = JSON.parse(stdout)
    assert.match(seen, /view/)
    assert.doesNotMatch(seen, new RegExp(url.searchParams.get('token')!))
    assert.deepEqual([hidden, status], ['', 403])
  })

  test('connections that ask nothing do not stop it', async () => {
    const idle = Array.from({ length: 500 }, () => connect(Number(url.port), '127.0.0.1'))
    let closed = 0
    for (const socket of idle) socket.on('error', () => {}).on('close', () => closed++)
    await until(() => idle.every(({ connecting }) => !connecting))
    await until(() => closed >= 250)
    assert.equal((await view.ask('/api/runs', { headers: authorized })).status, 200)
    for (const socket of idle) socket.destroy()
  })
})

describe('the live page', { skip: noBrowser }, () => {
  let browser: Browser
  before(async () => {
    browser = await startBrowser()
  })
  after(() => browser.close())

  test('lists the runs, finds them, and has the columns that are chosen', async () => {
    await project.flambeau('run', 'train.yaml', 'rate=0.7')
    const view = await startView()
    const { page, complaints, requests } = await openPage(browser, view.url.href)
    await page.locator('tbody tr').first().waitFor()
    assert.equal(await page.locator('tbody tr').count(), project.ids.length)
    await page.getByText('Columns (0)').click()
    await page.getByLabel('rate', { exact: true }).check()
    const cells = await page.locator('tbody td:last-child').allInnerTexts()
    assert.deepEqual(cells, ['0.7', '0.1'])
    await page.getByLabel('Filter').fill(project.ids[1]!)
    assert.equal(await page.locator('tbody tr').count(), 1)
    await page.locator('tbody a').click()
    await page.getByRole('heading', { name: 'train.yaml' }).waitFor()
    assert.deepEqual(complaints, [])
    assert.ok(
      requests.every((each) => each.startsWith(view.url.origin)),
      requests.join('\n'),
    )
    await page.close()
    await view.stop()
  })

  test('shows a run while it runs, and its end', async () => {
    const run = project.start('run', 'train.yaml', 'steps=60', 'waitMs=100')
    run.stderr!.resume()
    children.push(run)
    const before = project.ids.length
    await until(() => project.ids.length > before)
    const view = await startView('last')
    const { page, complaints } = await openPage(browser, view.url.href)
    await page.locator('.state.running').waitFor()
    const log = page.locator('section[aria-label="Log"] pre')
    await log.waitFor()
    const early = (await log.innerText()).split('\n').length
    await until(async () => (await log.innerText()).split('\n').length > early)
    await page.locator('.state.succeeded').waitFor({ timeout: 60_000 })
    await page.getByRole('heading', { name: 'Result' }).waitFor()
    assert.deepEqual(complaints, [])
    await page.close()
    await view.stop()
  })

  test('shows the folder of a sweep, with the trials that arrive', async () => {
    const folder = join(project.folder, 'sweep-out')
    mkdirSync(folder)
    writeSweep(folder, 20)
    const view = await startView('./sweep-out')
    const { page } = await openPage(browser, view.url.href)
    const count = page.locator('section:has(> h2:text-is("All trials")) .count')
    await count.waitFor()
    assert.equal(await count.innerText(), '20')
    const late = {
      trial: '21',
      key: '',
      options: { rate: 0.5 },
      metric: 0.99,
      durationMs: 1,
      host: 'h',
      attempts: 1,
    }
    appendFileSync(join(folder, 'results.jsonl'), `${JSON.stringify(late)}\n`)
    writeFileSync(join(folder, 'sweep.json'), JSON.stringify({ metric: 'accuracy', goal: 'max', trials: 21 }))
    await page.getByText('0.99').first().waitFor()
    await page.close()
    await view.stop()
  })

  test('says so when the server has ended', async () => {
    const view = await startView()
    const { page } = await openPage(browser, view.url.href)
    await page.locator('tbody tr').first().waitFor()
    await view.stop()
    await page.getByText('flambeau view has ended: start it again').waitFor()
    await page.close()
  })
})

describe('the files of a run', () => {
  let id: string
  let view: ViewProcess
  before(async () => {
    await project.flambeau('run', 'train.yaml')
    id = project.ids[0]!
    view = await startView()
  })
  after(() => view.stop())

  /** All parts of a file, as the page asks for them. */
  async function partsOf(name: string): Promise<{ texts: string[]; next: number }> {
    const texts: string[] = []
    for (let from = 0; ; ) {
      const { text, next } = await view.json(`runs/${id}/${name}?from=${from}`)
      if (text === '') return { texts, next }
      texts.push(text)
      from = next
    }
  }

  test('come in parts of at most 4 MiB, without a character that is cut', async () => {
    // Two, three and four bytes each, so that some part ends within one of them.
    const log = 'é漢🔥'.repeat(1_000_000)
    writeFileSync(project.path(id, 'log.txt'), log)
    const { texts, next } = await partsOf('log')
    assert.ok(texts.length === 3, String(texts.length))
    for (const text of texts) assert.ok(Buffer.byteLength(text) <= 1 << 22)
    assert.equal(texts.join(''), log)
    assert.equal(next, Buffer.byteLength(log))
  })

  test('come in whole lines, and a line that is longer than a part in several parts', async () => {
    const lines = Array.from({ length: 100_000 }, (_, step) => JSON.stringify({ step, name: 'é'.repeat(30) }))
    const long = JSON.stringify({ step: 1, name: '漢'.repeat(2_000_000) })
    const text = `${[...lines, long, ...lines].join('\n')}\n`
    writeFileSync(project.path(id, 'metrics.jsonl'), text)
    const { texts } = await partsOf('metrics')
    assert.equal(texts.join(''), text)
    const cut = texts.filter((each) => !each.endsWith('\n'))
    assert.ok(cut.length > 0 && cut.every((each) => /^(?:\{"step":1,"name":")?漢+$/.test(each)))
  })

  test('grow while they are read: a line comes when it is whole, a log as it is', async () => {
    const metrics = project.path(id, 'metrics.jsonl')
    writeFileSync(metrics, '{"step":1}\n{"st')
    assert.deepEqual(await view.json(`runs/${id}/metrics`), { text: '{"step":1}\n', next: 11 })
    assert.deepEqual(await view.json(`runs/${id}/metrics?from=11`), { text: '', next: 11 })
    appendFileSync(metrics, 'ep":2}\n')
    assert.deepEqual(await view.json(`runs/${id}/metrics?from=11`), { text: '{"step":2}\n', next: 22 })
    const log = project.path(id, 'log.txt')
    writeFileSync(log, Buffer.from('no end: é').subarray(0, -1))
    assert.deepEqual(await view.json(`runs/${id}/log`), { text: 'no end: ', next: 8 })
    appendFileSync(log, Buffer.from('é').subarray(1))
    assert.deepEqual(await view.json(`runs/${id}/log?from=8`), { text: 'é', next: 10 })
    assert.deepEqual(await view.json(`runs/${id}/log?from=99`), { text: '', next: 99 })
  })

  test('that are large, or damaged, do not stop the page', async () => {
    writeFileSync(project.path(id, 'result.json'), JSON.stringify('x'.repeat(5 << 20)))
    assert.match((await view.json(`runs/${id}`)).result, /^Too large for this page: see ".*result\.json"$/)
    writeFileSync(project.path(id, 'result.json'), '{ "loss": 0.1, ')
    assert.equal((await view.json(`runs/${id}`)).result, '{ "loss": 0.1, ')
    writeFileSync(project.path(id, 'metrics.jsonl'), 'damaged\n\0\n')
    assert.equal((await view.json(`runs/${id}`)).id, id)
  })

  test('are those of its folder: no link is followed out of it, and no pipe is read', async () => {
    const outside = project.file('outside.txt', 'a private text\n')
    for (const name of ['log.txt', 'metrics.jsonl', 'run.yaml', 'result.json'])
      rmSync(project.path(id, name), { force: true })
    for (const name of ['log.txt', 'run.yaml', 'result.json']) symlinkSync(outside, project.path(id, name))
    execFileSync('mkfifo', [project.path(id, 'metrics.jsonl')])
    assert.deepEqual(await view.json(`runs/${id}/log`), { text: '', next: 0 })
    assert.deepEqual(await view.json(`runs/${id}/metrics`), { text: '', next: 0 })
    assert.doesNotMatch(JSON.stringify(await view.json(`runs/${id}`)), /private text/)
    const { code } = await project.flambeau('report', id, '-o', 'linked.html')
    assert.equal(code, 0)
    assert.doesNotMatch(project.read('linked.html'), /private text/)
  })

  test('damaged as a whole, it is left out of the list and says so itself', async () => {
    const json = project.textOf('run.json', id)
    writeFileSync(project.path(id), '{}')
    // The list has read it already: whoever starts now has not.
    const other = await startView()
    const { runs, total } = await other.json('runs')
    assert.deepEqual([runs.length, total], [project.ids.length - 1, project.ids.length])
    const { status, body } = await other.ask(`/api/runs/${id}`, { headers: other.authorized })
    assert.equal(status, 500)
    assert.match(body, /has a damaged "run\.json"/)
    await other.stop()
    writeFileSync(project.path(id), json)
  })

  test('a sweep that runs has its counts and its best trial in the list', async () => {
    const record = project.record(id)
    const sweep = { metrics: [{ name: 'loss', goal: 'min' }], trials: 5, output: '/x', repeat: '' }
    const trials = project.path(id, 'trials.jsonl')
    const running = {
      ...record,
      state: 'running',
      endedAt: undefined,
      values: undefined,
      sweep,
      host: 'elsewhere',
    }
    writeFileSync(project.path(id), JSON.stringify(running))
    const line = (facts: object): string => `${JSON.stringify(facts)}\n`
    // What an option or a message says is no state.
    const options = { state: 'done', note: '"state":"failed"' }
    writeFileSync(
      trials,
      [
        line({ trial: '1', options, state: 'running' }),
        line({ trial: '1', options, state: 'done', metric: 0.5, result: { state: 'failed' } }),
        line({ trial: '2', options, state: 'running' }),
      ].join(''),
    )
    const other = await startView(project.path(id, '.'))
    const summary = async (): Promise<any> => (await other.json('runs')).runs[0]
    const first = await summary()
    assert.deepEqual([first.sweep.done, first.sweep.failed, first.values], [1, 0, { loss: 0.5 }])
    appendFileSync(trials, line({ trial: '2', options, state: 'done', metric: 0.25 }))
    appendFileSync(trials, line({ trial: '3', options, state: 'failed', error: { code: 'X', message: 'x' } }))
    appendFileSync(trials, line({ trial: '4', options, state: 'stopped', metric: 0.125 }))
    appendFileSync(trials, '{"trial":"5","state":"do')
    const second = await summary()
    assert.deepEqual([second.sweep.done, second.sweep.failed, second.values], [2, 1, { loss: 0.25 }])
    await other.stop()
    writeFileSync(project.path(id), JSON.stringify(record))
  })
})

describe('the folder of a sweep', () => {
  test('is a run, whose failed trials have their files and last output', async () => {
    const folder = join(project.folder, 'failing')
    writeSweep(folder, 10)
    mkdirSync(join(folder, 'failed'))
    writeFileSync(join(folder, 'failed/04.yaml'), '# task 04 failed\n!Train {}\n')
    writeFileSync(join(folder, 'failed/04.log'), 'one\ntwo\n')
    writeFileSync(join(folder, 'failed/05.log'), 'of a trial that did not fail\n')
    project.file('secret.yaml', 'a private text')
    const error = { code: 'TASK_FAILED', message: 'no' }
    const facts = { key: '', options: {}, durationMs: 1, host: 'h', attempts: 1, error }
    appendFileSync(join(folder, 'results.jsonl'), `${JSON.stringify({ ...facts, trial: '../../secret' })}\n`)
    const view = await startView('failing')
    const { runs } = await view.json('runs')
    assert.deepEqual(
      runs.map(({ id, state, sweep }: any) => [id, state, sweep.done, sweep.failed]),
      [['failing', 'succeeded', 8, 2]],
    )
    const { text } = await view.json('runs/failing/trials')
    const trials = text
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line))
    assert.equal(trials[3].file, '# task 04 failed\n!Train {}\n')
    assert.equal(trials.filter(({ file }: any) => file !== undefined).length, 1)
    const log = await view.json('runs/failing/trial-log')
    assert.match(log.text, /^04 \d\d:\d\d:\d\d one\n04 \d\d:\d\d:\d\d two\n$/)
    assert.deepEqual(await view.json(`runs/failing/trial-log?from=${log.next}`), { text: '', next: log.next })
    assert.deepEqual(await view.json('runs/failing/log'), { text: '', next: 0 })
    await view.stop()
  })
})
