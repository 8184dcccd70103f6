// The server of the live page: who may ask it, what it answers, and a page that shows a run while it runs.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { RecordProject } from '../support/record-project.js'
import { noBrowser, openPage, startBrowser, writeSweep } from '../support/sweep-data.js'
import { until } from '../support/until.js'

const cli = join(process.cwd(), 'dist/cli/main.js')

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Record<string, string | string[] | undefined>
}

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

/** Starts `flambeau view`; gives the address that it prints. */
async function startView(...args: string[]): Promise<{ child: ChildProcess; url: URL }> {
  const child = spawn(process.execPath, [cli, 'view', ...args], {
    cwd: project.folder,
    env: project.env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]
  return { child, url: new URL(line) }
}

async function stopView(child: ChildProcess): Promise<number | null> {
  const closed = once(child, 'close')
  child.kill('SIGINT')
  const [code] = await closed
  return code
}

/** Asks as anybody could: `path` is sent as it is. */
async function ask(
  url: URL,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  const call = request({ host: '127.0.0.1', port: url.port, path, method, headers }).end()
  const [response] = await once(call, 'response')
  return { status: response.statusCode, body: await text(response), headers: response.headers }
}

describe('flambeau view', () => {
  let child: ChildProcess
  let url: URL
  let authorized: Record<string, string>
  before(async () => {
    ;({ child, url } = await startView())
    authorized = { Authorization: `Bearer ${url.searchParams.get('token')}` }
  })
  after(async () => {
    assert.equal(await stopView(child), 0)
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
    assert.equal((await ask(url, '/')).status, 403)
    assert.equal((await ask(url, '/?token=wrong')).status, 403)
    assert.equal((await ask(url, '/api/runs')).status, 403)
    assert.equal((await ask(url, `/api/runs?token=${url.searchParams.get('token')}`)).status, 403)
    const page = await ask(url, `/?token=${url.searchParams.get('token')}`)
    assert.equal(page.status, 200)
    assert.match(String(page.headers['content-type']), /^text\/html/)
    assert.equal(page.headers['referrer-policy'], 'no-referrer')
    assert.equal(page.headers['x-content-type-options'], 'nosniff')
    assert.match(page.body, /connect-src 'self'/)
    const { runs } = JSON.parse((await ask(url, '/api/runs', authorized)).body)
    assert.deepEqual(
      runs.map(({ id }: any) => id),
      project.ids,
    )
  })

  test('refuses other hosts, other origins and everything that is not read', async () => {
    for (const host of ['evil.example', `evil.example:${url.port}`, '127.0.0.1', `127.0.0.1:1`])
      assert.equal((await ask(url, '/api/runs', { ...authorized, Host: host })).status, 403, host)
    for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:1`])
      assert.equal((await ask(url, '/api/runs', { ...authorized, Origin: origin })).status, 403, origin)
    const own = { ...authorized, Origin: `http://localhost:${url.port}`, Host: `localhost:${url.port}` }
    assert.equal((await ask(url, '/api/runs', own)).status, 200)
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      assert.equal((await ask(url, '/api/runs', authorized, method)).status, 405, method)
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
    for (const path of paths) assert.equal((await ask(url, path, authorized)).status, 404, path)
  })

  test('gives the files of a run from any byte on, in whole lines', async () => {
    const [id] = project.ids
    const log = project.textOf('log.txt', id)
    const whole = JSON.parse((await ask(url, `/api/runs/${id}/log`, authorized)).body)
    assert.deepEqual(whole, { text: log, next: Buffer.byteLength(log) })
    const first = log.indexOf('\n') + 1
    const rest = JSON.parse((await ask(url, `/api/runs/${id}/log?from=${first}`, authorized)).body)
    assert.equal(rest.text, log.slice(first))
    const trials = JSON.parse((await ask(url, `/api/runs/${id}/trials`, authorized)).body)
    assert.deepEqual(trials, { text: '', next: 0 })
    const detail = JSON.parse((await ask(url, `/api/runs/${id}`, authorized)).body)
    assert.deepEqual([detail.yaml, detail.result.base, detail.options.steps], ['!Train {}\n', 1, 3])
  })

  test('a mistake says what there is', async () => {
    const { code, stderr } = await project.flambeau('view', 'nope')
    assert.equal(code, 22)
    assert.match(stderr, /^There is no run "nope"/)
    const folder = await project.flambeau('view', './node_modules')
    assert.equal(folder.code, 22)
    assert.match(folder.stderr, /has no results of a sweep/)
    assert.doesNotMatch(stderr + folder.stderr, /^\s+at /m)
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
    const { child, url } = await startView()
    const { page, complaints, requests } = await openPage(browser, url.href)
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
      requests.every((each) => each.startsWith(url.origin)),
      requests.join('\n'),
    )
    await page.close()
    await stopView(child)
  })

  test('shows a run while it runs, and its end', async () => {
    const run = project.start('run', 'train.yaml', 'steps=60', 'waitMs=100')
    run.stderr!.resume()
    children.push(run)
    const before = project.ids.length
    await until(() => project.ids.length > before)
    const { child, url } = await startView('last')
    const { page, complaints } = await openPage(browser, url.href)
    await page.locator('.state.running').waitFor()
    const log = page.locator('section[aria-label="Log"] pre')
    await log.waitFor()
    const early = (await log.innerText()).split('\n').length
    await until(async () => (await log.innerText()).split('\n').length > early)
    await page.locator('.state.succeeded').waitFor({ timeout: 60_000 })
    await page.getByRole('heading', { name: 'Result' }).waitFor()
    assert.deepEqual(complaints, [])
    await page.close()
    await stopView(child)
  })

  test('shows the folder of a sweep, with the trials that arrive', async () => {
    const folder = join(project.folder, 'sweep-out')
    mkdirSync(folder)
    writeSweep(folder, 20)
    const { child, url } = await startView('./sweep-out')
    const { page } = await openPage(browser, url.href)
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
    await page.reload()
    await page.getByText('0.99').first().waitFor()
    await page.close()
    await stopView(child)
  })

  test('says so when the server has ended', async () => {
    const { child, url } = await startView()
    const { page } = await openPage(browser, url.href)
    await page.locator('tbody tr').first().waitFor()
    await stopView(child)
    await page.getByText('flambeau view has ended: start it again').waitFor()
    await page.close()
  })
})
