import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isFlambeauError } from 'flambeau'
import { openPool, type Pool } from 'flambeau/pool'
import { all, conforms, tasks } from '../../../support/engine-conformance.js'
import { ownPath } from '../../../support/own-path.js'
import {
  Busy,
  Echo,
  Flaky,
  Late,
  Messenger,
  Note,
  Shares,
  Stubborn,
  Talk,
  Tidy,
  Until,
  Vandal,
  Wait,
  Wander,
} from '../../../support/pool-tasks.js'
import { until } from '../../../support/until.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-pool-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const processes = { imports: [tasks], workers: 2, graceMs: 1000 }

conforms('processes', { apart: true, open: async () => processes })

describe('worker processes', () => {
  test('a module that is not there ends the map, and names it', async () => {
    const pool = await openPool({ imports: ['./nowhere.js'], workers: 1 })
    await assert.rejects(all(pool.map([new Wait()], { onError: 'collect' })), { code: 'NO_MODULE' })
    await pool.close()
  })

  test('a module that ends its process ends the map, instead of being imported for ever', async () => {
    const module = join(folder, 'exits.mjs')
    writeFileSync(module, 'process.exit(3)')
    const pool = await openPool({ imports: [module], workers: 1 })
    await assert.rejects(
      all(pool.map([new Wait()])),
      /ended while it was importing its modules \(exit code 3\)/,
    )
    await pool.close()
  })

  test('cancelling ends a task that never listens, and what it started', async () => {
    const file = join(folder, 'busy')
    const pool = await openPool({ ...processes, folder })
    const controller = new AbortController()
    const busy = all(pool.map([new Busy({ file })], { signal: controller.signal }))
    const pids = await pidsIn(file)
    controller.abort(new Error('enough'))
    await assert.rejects(busy, /enough/)
    await pool.close()
    assert.deepEqual(pids.filter(isAlive), [])
  })

  test('a signal cancels what runs while nobody takes outcomes', async () => {
    const file = join(folder, 'signalled')
    const controller = new AbortController()
    const pool = await openPool({ ...processes, folder })
    const mapping = await tidying(pool, file, controller.signal)
    controller.abort(new Error('enough'))
    await until(() => existsSync(file))
    await assert.rejects(mapping.next(), /^Error: enough$/)
    await pool.close()
  })

  test('closing lets tasks tidy up, and no map begins any more', async () => {
    const file = join(folder, 'closed')
    const pool = await openPool({ ...processes, folder })
    const mapping = await tidying(pool, file)
    await pool.close()
    assert.ok(existsSync(file))
    await assert.rejects(mapping.next(), /^Error: The pool is closed$/)
    await assert.rejects(all(pool.map([])), /^Error: The pool is closed$/)
  })

  test('what a task tells after its end does not count for the next one', async () => {
    const heard: unknown[] = []
    const logger = { debug() {}, info: (line: string) => heard.push(line), warn() {}, error() {} }
    const pool = await openPool({ ...processes, workers: 1, logger })
    const onEvent = ({ type }: { type: string }) => type === 'progress' && heard.push(type)
    const file = join(folder, 'told-late')
    const tasks = [new Late({ file }), new Until({ file })]
    await all(pool.map<any>(tasks, { onEvent }))
    await pool.close()
    assert.deepEqual(heard, [])
  })

  test('a task that was cancelled before its next attempt keeps no worker from the others', async () => {
    const pool = await openPool({ ...processes, workers: 1, folder })
    const file = join(folder, 'others-wait')
    const onEvent = ({ type, cancel }: { type: string; cancel(): void }) => type === 'retry' && cancel()
    const tasks = [new Flaky({ failures: 9 }), new Until({ file })]
    const mapping = pool.map<any>(tasks, { retries: 1, onEvent, onError: 'collect' })
    const { value }: IteratorResult<any> = await mapping.next()
    assert.equal(value.error.code, 'TASK_CANCELLED')
    const others = all(pool.map([new Echo({ value: 1 })]))
    writeFileSync(file, '')
    await all(mapping)
    assert.equal((await others).length, 1)
    await pool.close()
  })

  test('a worker that is being ended is given no other task', async () => {
    const pool = await openPool({ ...processes, workers: 1, graceMs: 400, crashRetries: 0, folder })
    const onEvent = ({ id, cancel }: { id: string; cancel(): void }) => id === '01' && cancel()
    const tasks = [new Stubborn(), new Note({ file: join(folder, 'innocent'), ms: 600 })]
    const outcomes = await all(pool.map<any>(tasks, { onEvent, onError: 'collect' }))
    await pool.close()
    assert.deepEqual(outcomes.map(({ id, ok }) => `${id} ${ok}`).toSorted(), ['01 true', '02 true'])
  })

  test('what a task sends by the IPC channel of Node is not a message of a worker', async () => {
    const pool = await openPool({ ...processes, workers: 1 })
    const outcomes = await all(pool.map<any>([new Messenger(), new Echo({ value: 'next' })]))
    await pool.close()
    const nothing = ['undefined', 'undefined', 'undefined']
    const found = outcomes.map(({ result }) => result)
    assert.deepEqual(found, [{ ipc: nothing, heard: 1 }, 'next'])
  })

  for (const line of [
    'no JSON',
    '"ready"',
    '[null]',
    '[{ "type": "ended" }]',
    '[{ "type": "news", "news": { "type": "log" } }]',
  ])
    test(`a worker that sends ${line} is ended, and its task has failed`, async () => {
      const pool = await openPool({ ...processes, workers: 1, crashRetries: 0, folder })
      const outcomes = await all(
        pool.map<any>([new Vandal({ line }), new Echo({ value: 'next' })], { onError: 'collect' }),
      )
      await pool.close()
      const [vandal, next] = outcomes.toSorted((a, b) => a.index - b.index)
      assert.match(String(vandal?.ok === false && vandal.error.message), /not a message of a worker/)
      assert.equal(next?.ok === true && next.result, 'next')
    })

  test('those that are stopped end with a program that is killed, too', async () => {
    const file = join(folder, 'stopped')
    const program = spawn(process.execPath, ['--input-type=module', '-e', orphaning(file)], {
      stdio: 'ignore',
    })
    const pids = await pidsIn(file)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    program.kill('SIGKILL')
    await once(program, 'exit')
    await until(() => !pids.some(isAlive))
  })

  test('they end with a program that is killed, whatever they do', async () => {
    const file = join(folder, 'orphans')
    const program = spawn(process.execPath, ['--input-type=module', '-e', orphaning(file)], {
      stdio: 'ignore',
    })
    const pids = await pidsIn(file)
    program.kill('SIGKILL')
    await once(program, 'exit')
    await until(() => !pids.some(isAlive))
  })

  test('a pool that nobody closed does not keep its program alive', async () => {
    const script = `
      import { openPool } from 'flambeau/pool'
      import { Echo } from ${JSON.stringify(tasks)}
      const pool = await openPool(${JSON.stringify({ imports: [tasks], workers: 1 })})
      for await (const { result } of pool.map([new Echo({ value: 'done' })])) console.log(result)`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 30_000,
    })
    assert.equal(stdout, 'done\n')
  })

  test('nor does one whose workers cannot import their modules', async () => {
    const script = `
      import { openPool } from 'flambeau/pool'
      import { Echo } from ${JSON.stringify(tasks)}
      const pool = await openPool({ imports: ['./nowhere.js'], workers: 1 })
      await pool.map([new Echo({ value: 1 })]).next().catch(({ code }) => console.log(code))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 30_000,
    })
    assert.equal(stdout, 'NO_MODULE\n')
  })

  test('one map at a time keeps its results in a folder; force sets aside what is there', async () => {
    const output = join(folder, 'one-owner')
    const pool = await openPool(processes)
    const taskId = () => 'one'
    const first = pool.map([new Echo({ value: 1 })], { taskId, output })
    await first.next()
    await assert.rejects(all(pool.map([new Echo({ value: 2 })], { taskId, output, resume: true })), {
      code: 'OUTPUT_IN_USE',
      message: new RegExp(`in use by process ${process.pid} on`),
    })
    await all(first)
    await all(pool.map([new Echo({ value: 2 })], { taskId, output, force: true }))
    const [time = ''] = readdirSync(join(output, 'old'))
    assert.match(readFileSync(join(output, 'old', time, 'done.jsonl'), 'utf8'), /"json":"1"/)
    assert.match(readFileSync(join(output, 'done.jsonl'), 'utf8'), /"json":"2"/)
    assert.deepEqual(readdirSync(output).toSorted(), ['done.jsonl', 'old'])
    await pool.close()
  })

  test('all that tasks print arrives, each line with its task, though its reader is slow', async () => {
    const lines = 4000
    const script = `
      import { openPool } from 'flambeau/pool'
      import { Talk } from ${JSON.stringify(tasks)}
      const options = { imports: [${JSON.stringify(tasks)}], workers: 2, crashRetries: 0 }
      const pool = await openPool({ ...options, folder: ${JSON.stringify(folder)} })
      const talks = ['return', 'throw', 'exit', 'return', 'return'].map((end) => new Talk({ lines: ${lines}, end }))
      const taskId = (_, index) => 't' + index
      for await (const { ok, id } of pool.map(talks, { taskId, onError: 'collect' })) console.log(id, ok)
      await pool.close()`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      cwd: process.cwd(),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    })
    const ended = once(child, 'close')
    let text = ''
    // One chunk a turn: its pipe is full most of the time.
    for await (const chunk of child.stderr.setEncoding('utf8')) {
      text += chunk
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.deepEqual(await ended, [0, null])
    for (let task = 0; task < 5; task++)
      for (const stream of ['out', 'err']) {
        const found = text.match(new RegExp(`^\\[t${task}\\] t${task} ${stream} \\d+`, 'gm')) ?? []
        const numbers = found.map((line) => Number(line.split(' ').at(-1)))
        const expected = Array.from({ length: lines }, (_, index) => index + 1)
        assert.deepEqual(numbers, expected, `task ${task}, ${stream}`)
      }
    assert.equal(text.match(/é/g)?.length, 5 * 40 * (lines - 1))
    assert.doesNotMatch(text, /\0/)
  })

  test('the error of a task has its last lines, and a file keeps more of them', async () => {
    const pool = await openPool({ ...processes, folder, crashRetries: 0 })
    for (const [end, reason] of [
      ['throw', /failed: as it was told/],
      ['exit', /killed its worker \(exit code 7\)/],
    ] as const) {
      const talk = new Talk({ lines: 30, end })
      const [outcome] = await all(pool.map([talk], { taskId: () => end, onError: 'collect' }))
      const error = outcome?.ok === false ? outcome.error : undefined
      assert.match(error?.message ?? '', reason)
      assert.match(error?.message ?? '', new RegExp(`\n {2}\\| ${end} (?:out|err) 30`))
      const log = readFileSync(join(folder, 'failed', `${end}.log`), 'utf8')
      assert.equal(log, error?.output)
      assert.equal(log.match(/out \d+/g)?.length, 30)
      assert.equal(log.match(/err \d+/g)?.length, 30)
      assert.equal(statSync(join(folder, 'failed', `${end}.log`)).mode & 0o777, 0o600)
    }
    await pool.close()
  })

  test('each task has a folder of its own, and leaves the current folder as it was', async () => {
    const pool = await openPool({ ...processes, workers: 1, folder })
    const wanders = ['/', tmpdir()].map((to) => new Wander({ to }))
    const outcomes = await all(pool.map(wanders, { taskId: (_, index) => `wander/${index}` }))
    const [first, second] = outcomes.map(({ result }) => result as [from: string, folder: string])
    assert.deepEqual([first![0], second![0]], [process.cwd(), process.cwd()])
    assert.equal(first![1], ownPath(folder, 'tasks', 'wander%2F0'))
    assert.equal(readFileSync(join(first![1], 'model.txt'), 'utf8'), '/')
    assert.equal(readFileSync(join(second![1], 'model.txt'), 'utf8'), tmpdir())
    await pool.close()
  })

  test('a process that a task leaves behind with its streams holds up nothing', async () => {
    const pool = await openPool(processes)
    const [outcome] = await all(pool.map([new Talk({ lines: 2, end: 'leave' })]))
    assert.equal(outcome?.ok, true)
    await pool.close()
  })

  test('many small tasks come to what they should, each once', async () => {
    const pool = await openPool(processes)
    const numbers = Array.from({ length: 3000 }, (_, value) => value)
    const outcomes = await all(pool.map(numbers.map((value) => new Echo({ value }))))
    assert.deepEqual(
      outcomes.map(({ result }) => result).toSorted((a, b) => a - b),
      numbers,
    )
    await pool.close()
  })

  test('both workers take part', async () => {
    const file = join(folder, 'shared')
    const pool = await openPool({ ...processes, folder })
    await all(pool.map(Array.from({ length: 8 }, () => new Note({ file, ms: 100 }))))
    await pool.close()
    const pids = readFileSync(file, 'utf8').match(/\d+$/gm)
    assert.equal(new Set(pids).size, 2)
  })

  test('a module that is not there is the same mistake as in the engine "inline"', async () => {
    const errors = (['inline', 'processes'] as const).map(async (engine) => {
      await using pool = await openPool({ engine, imports: ['./nowhere.js'], workers: 1 })
      const error: any = await all(pool.map([new Wait()])).catch((thrown) => thrown)
      return [isFlambeauError(error), error.code, error.exitCode, error.message]
    })
    const [inline, processes] = await Promise.all(errors)
    assert.deepEqual(inline?.slice(0, 3), [true, 'NO_MODULE', 22])
    assert.deepEqual(processes, inline)
  })

  test('a worker that dies, and whose channel breaks afterwards, has ended', {
    timeout: 30_000,
  }, async () => {
    const file = join(folder, 'shares')
    const pool = await openPool({ ...processes, workers: 1, folder })
    const controller = new AbortController()
    const mapping = all(pool.map([new Shares({ file })], { signal: controller.signal }))
    const [pid] = await pidsIn(file)
    controller.abort(new Error('enough'))
    // The message that cancels the task is on its way, and the worker never reads it.
    await delay(100)
    process.kill(pid!, 'SIGKILL')
    await assert.rejects(mapping, /^Error: enough$/)
    await pool.close()
  })
})

/** A map whose second task waits to be cancelled, while nobody takes its outcome. */
async function tidying(pool: Pool, file: string, signal?: AbortSignal) {
  let waits = false
  const onEvent = ({ type }: { type: string }) => {
    if (type === 'progress') waits = true
  }
  const tasks = [new Echo({ value: 1 }), new Tidy({ file })]
  const mapping = pool.map<any>(tasks, { onEvent, ...(signal && { signal }) })
  await mapping.next()
  await until(() => waits)
  return mapping
}

function orphaning(file: string): string {
  return `
    import { openPool } from 'flambeau/pool'
    import { Busy } from ${JSON.stringify(tasks)}
    const pool = await openPool(${JSON.stringify({ imports: [tasks], workers: 1 })})
    for await (const _ of pool.map([new Busy({ file: ${JSON.stringify(file)} })]));`
}

async function pidsIn(file: string): Promise<number[]> {
  await until(() => existsSync(file) && readFileSync(file, 'utf8') !== '')
  return readFileSync(file, 'utf8').split(' ').map(Number)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
