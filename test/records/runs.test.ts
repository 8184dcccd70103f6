// The records in a folder: which are listed, in which state, and how an id finds one. Some are damaged, or are no records at all.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'

const internal = (file: string) => import(pathToFileURL(join('build/js', file)).href)
const { listRuns, readRecord, findRun } = await internal('records/runs.js')
const { identify } = await internal('util/process-identity.js')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flambeau-runs-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** The id of a record: later numbers are later runs. */
function idOf(number: number): string {
  return `20260101-000000-${number.toString(16).padStart(7, '0')}`
}

function writeRecord(number: number, facts: object = {}): string {
  const id = idOf(number)
  const record = {
    format: 1,
    id,
    state: 'succeeded',
    file: 'train.yaml',
    tag: '!Train',
    argv: ['run', 'train.yaml'],
    folder,
    set: [],
    imports: [],
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: '2026-01-01T00:00:01.000Z',
    exitCode: 0,
    user: 'ada',
    host: hostname(),
    options: {},
    defaults: {},
    origins: [],
    node: process.version,
    flambeau: '0.1.0',
    packages: {},
    modules: {},
    ...facts,
  }
  writeFile(id, JSON.stringify(record))
  return id
}

function writeFile(id: string, text: string): void {
  mkdirSync(join(folder, id), { recursive: true })
  writeFileSync(join(folder, id, 'run.json'), text)
}

async function listed(limit?: number): Promise<string[]> {
  return (await listRuns(folder, limit)).map(({ id }: { id: string }) => id)
}

describe('the list of runs', () => {
  test('has the latest first, and no more than are wanted', async () => {
    for (const number of [2, 1, 3]) writeRecord(number)
    assert.deepEqual(await listed(), [idOf(3), idOf(2), idOf(1)])
    assert.deepEqual(await listed(2), [idOf(3), idOf(2)])
    assert.deepEqual(await listRuns(join(folder, 'none')), [])
  })

  test('leaves out what is no record, or is damaged, and never waits for it', async () => {
    const whole = writeRecord(1)
    mkdirSync(join(folder, idOf(2)))
    writeFile(idOf(3), '{"format":1,')
    writeFile(idOf(4), '')
    writeFile(idOf(5), `{"format":1,"id":"${idOf(5)}"}`)
    writeFile(idOf(6), '[]')
    writeRecord(7, { format: 2 })
    writeRecord(8, { set: 'rate=1' })
    writeFile(`${idOf(9)}.incoming`, readFileSync(join(folder, whole, 'run.json'), 'utf8'))
    writeFileSync(join(folder, idOf(10)), 'a file')
    mkdirSync(join(folder, idOf(11)))
    symlinkSync('/dev/zero', join(folder, idOf(11), 'run.json'))
    mkdirSync(join(folder, idOf(12)))
    execFileSync('mkfifo', [join(folder, idOf(12), 'run.json')])
    mkdirSync(join(folder, idOf(13), 'run.json'), { recursive: true })
    assert.deepEqual(await listed(), [whole])
    for (const number of [2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13])
      await assert.rejects(readRecord(join(folder, idOf(number))), { code: 'NO_RECORD' }, String(number))
  })

  test('finds a run without an end lost when its process on this host is gone', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    await once(child, 'spawn')
    const alive = await identify(process.pid)
    const gone = await identify(child.pid)
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    const noEnd = { endedAt: undefined, exitCode: undefined }
    writeRecord(1, { ...noEnd, state: 'running', process: gone })
    writeRecord(2, { ...noEnd, state: 'starting', process: gone })
    writeRecord(3, { ...noEnd, state: 'running', process: alive })
    // The same number, taken by a later process.
    writeRecord(4, { ...noEnd, state: 'running', process: { ...alive, started: '1' } })
    writeRecord(5, { ...noEnd, state: 'running', process: gone, host: 'elsewhere' })
    writeRecord(6, { state: 'failed', process: gone })
    const states = (await listRuns(folder)).map(({ state }: { state: string }) => state)
    assert.deepEqual(states, ['failed', 'running', 'lost', 'running', 'lost', 'lost'])
    assert.equal((await readRecord(join(folder, idOf(1)))).state, 'lost')
  })
})

describe('the cache of the list', () => {
  const cached = 120
  const file = () => join(folder, '.index.json')
  beforeEach(() => {
    for (let number = 1; number <= cached; number++) writeRecord(number)
  })

  test('spares reading what has ended, and forgets what is gone', async () => {
    writeRecord(500, { state: 'running', endedAt: undefined, process: await identify(process.pid) })
    const first = await listed()
    assert.equal(first.length, cached + 1)
    // Nobody changes a run that has ended: this one would be left out if it were read again.
    writeFile(idOf(1), 'damaged')
    assert.deepEqual(await listed(), first)
    rmSync(join(folder, idOf(2)), { recursive: true })
    writeRecord(500)
    writeRecord(501)
    const second = await listRuns(folder)
    assert.deepEqual(
      second.map(({ id, state }: { id: string; state: string }) => [id, state]).slice(0, 2),
      [501, 500].map((number) => [idOf(number), 'succeeded']),
    )
    assert.equal(second.length, cached + 1)
    assert.ok(!second.some(({ id }: { id: string }) => id === idOf(2)))
    assert.doesNotMatch(readFileSync(file(), 'utf8'), new RegExp(idOf(2)))
  })

  test('is not needed by the latest runs', async () => {
    assert.equal((await listed(20)).length, 20)
    assert.ok(!existsSync(file()))
  })

  for (const damage of [
    '',
    '{"format":1,"entries":[{"id"',
    '[]',
    'null',
    '{"format":2,"entries":[]}',
    '{"format":1,"entries":[null]}',
  ])
    test(`is ignored, and written again, when it is ${JSON.stringify(damage)}`, async () => {
      writeFileSync(file(), damage)
      assert.equal((await listed()).length, cached)
      assert.equal(JSON.parse(readFileSync(file(), 'utf8')).entries.length, cached)
    })

  test('does not matter where it cannot be written', async () => {
    mkdirSync(file())
    assert.equal((await listed()).length, cached)
  })
})

describe('the id of a run', () => {
  beforeEach(() => {
    for (const number of [0x10, 0x11, 0x20]) writeRecord(number)
  })

  test('is any beginning of one, or "last"', async () => {
    assert.equal(await findRun(folder, idOf(0x11)), idOf(0x11))
    assert.equal(await findRun(folder, idOf(0x20).slice(0, -1)), idOf(0x20))
    assert.equal(await findRun(folder, 'last'), idOf(0x20))
    assert.equal(await findRun(folder, 'last~2'), idOf(0x10))
  })

  test('that is unknown or not unique says what there is', async () => {
    await assert.rejects(findRun(folder, idOf(0x12)), { code: 'NO_SUCH_RUN', message: /did you mean/i })
    await assert.rejects(findRun(folder, 'nope'), { code: 'NO_SUCH_RUN', message: new RegExp(idOf(0x20)) })
    await assert.rejects(findRun(folder, 'last~3'), { code: 'NO_SUCH_RUN', message: /3 runs are recorded/ })
    for (const wanted of ['', '..', '../..', '.index.json', '/'])
      await assert.rejects(findRun(folder, wanted), { code: 'NO_SUCH_RUN' }, wanted)
    await assert.rejects(findRun(folder, idOf(0x10).slice(0, -1)), {
      code: 'SEVERAL_RUNS',
      message: new RegExp(`${idOf(0x11)}, ${idOf(0x10)}`),
    })
    await assert.rejects(findRun(join(folder, 'none'), 'last'), {
      code: 'NO_SUCH_RUN',
      message: /no run .* yet/,
    })
  })
})
