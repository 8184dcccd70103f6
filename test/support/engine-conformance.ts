// What every engine does: run for each of them.
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { parseSecrets, runFile, SafeExecutionContext } from 'flambeau'
import { openPool, type Pool, type PoolOptions, ResultFile, TaskError, type TaskEvent } from 'flambeau/pool'
import {
  Circular,
  Draw,
  Echo,
  Epochs,
  Fails,
  Flaky,
  Kill,
  Late,
  Leak,
  Long,
  Note,
  Tell,
  Tidy,
  Until,
  Untold,
  Wait,
} from './pool-tasks.js'

/** The module of the tasks, for workers. */
export const tasks = new URL('./pool-tasks.js', import.meta.url)

/** What the suite needs of an engine. */
export interface Subject {
  /** Options of a pool with the engine, which keeps its files in a folder and whose tasks may declare extensions. */
  open(folder: string, extensions: Record<string, string>): Promise<PoolOptions>
  close?(): Promise<void>
  /** Tasks run in other processes. */
  readonly apart: boolean
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const secrets = await parseSecrets('[AWS]\nKEY = open sesame\n')

/** Everything that an async iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** Makes an extension that notes when it is imported, and exports `!Noted`, which returns its extensions. */
function makeExtension(folder: string, note: string): string {
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(fileURLToPath(new URL('../../../..', import.meta.url)), join(folder, 'node_modules/flambeau'))
  writeFileSync(
    join(folder, 'package.json'),
    '{ "name": "noted", "type": "module", "exports": "./index.js" }',
  )
  const module = `import { writeFileSync } from 'node:fs'
    import { Runnable, registrable } from 'flambeau'
    writeFileSync(${JSON.stringify(note)}, '')
    export class Noted extends Runnable { run() { return this.extensions } }
    registrable('!Noted')(Noted)`
  writeFileSync(join(folder, 'index.js'), module)
  return folder
}

export function conforms(name: string, { open, close, apart }: Subject): void {
  describe(`the engine ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'flambeau-pool-'))
    const lines: string[] = []
    const mine = makeExtension(join(folder, 'mine'), join(folder, 'mine-imported'))
    const others = makeExtension(join(folder, 'others'), join(folder, 'others-imported'))
    let pool: Pool

    before(async () => {
      const logger = { ...silent, info: (line: string) => lines.push(line) }
      const extensions = { mine }
      const options = await open(folder, extensions)
      pool = await openPool({ logger, folder, secrets, extensions, ...options })
    })
    after(async () => {
      await pool.close()
      await close?.()
      rmSync(folder, { recursive: true, force: true })
    })

    test('gives the result of each task, with its id and its place', async () => {
      const values = [1, 'two', null, { three: [3] }, false]
      const outcomes = await all(pool.map(values.map((value) => new Echo({ value }))))
      const sorted = outcomes.toSorted((a, b) => a.index - b.index)
      assert.deepEqual(
        sorted.map(({ result }) => result),
        values,
      )
      assert.deepEqual(
        sorted.map(({ ok, attempts, task }) => ({ ok, attempts, value: task.options.value })),
        values.map((value) => ({ ok: true, attempts: 1, value })),
      )
      assert.equal(new Set(outcomes.map(({ id }) => id)).size, values.length)
      assert.ok(outcomes.every(({ host, durationMs }) => host !== '' && durationMs >= 0))
    })

    test('a task that returns nothing has the result undefined', async () => {
      const [outcome] = await all(pool.map([new Echo({ value: undefined })]))
      assert.deepEqual([outcome?.ok, outcome?.result], [true, undefined])
    })

    test('a result above 64 KB stays in a file', async () => {
      const [small, large] = await all(
        pool.map([new Long({ length: 64 * 1024 - 2 }), new Long({ length: 64 * 1024 - 1 })]),
      ).then((outcomes) => outcomes.toSorted((a, b) => a.index - b.index).map(({ result }) => result))
      assert.equal(typeof small, 'string')
      assert.ok(large instanceof ResultFile)
      assert.equal(large.bytes, 64 * 1024 + 1)
      assert.equal((await large.read()).length, 64 * 1024 - 1)
    })

    test('tries again what failed, and tells of it', async () => {
      const events: string[] = []
      const onEvent = (event: TaskEvent<any>) => events.push(event.type)
      const [outcome] = await all(pool.map([new Flaky({ failures: 2 })], { retries: 2, backoff: 1, onEvent }))
      assert.deepEqual([outcome?.result, outcome?.attempts], [3, 3])
      assert.deepEqual(events, ['started', 'retry', 'started', 'retry', 'started'])
    })

    test('each task has a seed of its own, the same in each attempt and in another map', async () => {
      const errors = new Map<string, string[]>()
      const onEvent = (event: TaskEvent<any>) => {
        if (event.type === 'retry')
          errors.set(event.id, [...(errors.get(event.id) ?? []), event.error.message])
      }
      const names = ['a', 'b', 'c']
      const taskId = (_: unknown, index: number): string => `drawn-${names[index]}`
      const draw = (failures: number, seed?: number) => {
        const options = { retries: 2, backoff: 1, taskId, onEvent, ...(seed !== undefined && { seed }) }
        return all(
          pool.map(
            names.map(() => new Draw({ failures })),
            options,
          ),
        ).then((outcomes) => new Map(outcomes.map(({ id, result }) => [id, result])))
      }
      const seeds = await draw(2)
      assert.equal(new Set(seeds.values()).size, 3)
      for (const [id, seed] of seeds) assert.deepEqual(errors.get(id), [`seed ${seed}`, `seed ${seed}`])
      assert.deepEqual(await draw(0), seeds)
      assert.notDeepEqual(await draw(0, 1), seeds)
    })

    test('a task that fails for good leaves a file that repeats it', async () => {
      const failing = pool.map([new Flaky({ failures: 9 })], { retries: 1, backoff: 1, taskId: () => 'a/b' })
      await assert.rejects(all(failing), (error) => {
        assert.ok(error instanceof TaskError)
        assert.equal(error.code, 'TASK_FAILED')
        assert.equal(error.attempts, 2)
        assert.match(
          error.message,
          /^Task "a\/b" failed after 2 attempts: no luck in attempt 2 \(repeat it with/,
        )
        assert.match((error.cause as Error).stack ?? '', /RangeError.*\n +at /)
        return true
      })
      const file = join(folder, 'failed', 'a%2Fb.yaml')
      assert.match(readFileSync(file, 'utf8'), /^# task a\/b failed after 2 attempts: no luck in attempt 2\n/)
      const outcome = await runFile(file, { logger: silent })
      assert.equal(outcome.ok || outcome.error.message, 'The run failed: no luck in attempt 1')
    })

    test('collects errors where it shall', async () => {
      const mixed = [new Flaky({ failures: 9 }), new Echo({ value: 1 }), new Circular({})]
      const outcomes = await all(pool.map<any>(mixed, { onError: 'collect' }))
      const byIndex = outcomes.toSorted((a, b) => a.index - b.index)
      assert.deepEqual(
        byIndex.map((outcome) =>
          outcome.ok ? outcome.result : ((outcome.error.cause as any).code ?? 'none'),
        ),
        ['none', 1, 'RESULT_NOT_JSON'],
      )
    })

    test('brings log lines and progress back', async () => {
      lines.length = 0
      const values: unknown[] = []
      const onEvent = (event: TaskEvent<Wait>) => {
        if (event.type !== 'progress') return
        values.push(event.value)
        event.cancel()
      }
      const [outcome] = await all(
        pool.map([new Wait()], { onEvent, onError: 'collect', taskId: () => 'talks' }),
      )
      assert.deepEqual(values, [{ waited: 0 }])
      assert.deepEqual(lines, ["[talks] waiting { for: 'the end' }"])
      assert.equal(outcome?.ok === false && outcome.error.code, 'TASK_CANCELLED')
    })

    test('masks the secrets of tasks in what it tells, throws and writes', async () => {
      lines.length = 0
      const told: unknown[] = []
      const onEvent = (event: TaskEvent<any>) =>
        event.type === 'retry'
          ? told.push(inspect(event.error))
          : event.type === 'progress' && told.push(event.value)
      const leaking = { onEvent, onError: 'collect', retries: 1, backoff: 1, taskId: () => 'leak' } as const
      const [outcome] = await all(pool.map<any>([new Leak()], leaking))
      assert.ok(outcome && !outcome.ok)
      assert.match(
        outcome.error.message,
        /^Task "leak" failed after 2 attempts: failed with \[secret\], YWRhO\[secret\]/,
      )
      const file = join(folder, 'failed', 'leak.yaml')
      assert.equal(statSync(file).mode & 0o777, 0o600)
      const shown = inspect([lines, told, outcome, readFileSync(file, 'utf8')], { depth: null })
      for (const form of [
        'open sesame',
        'open%20sesame',
        Buffer.from('open sesame').toString('base64').slice(0, -2),
      ])
        assert.ok(!shown.includes(form), `${form} in ${shown}`)
      assert.deepEqual(lines[0], "[leak] logged [secret] { key: '[secret]' }")
      assert.deepEqual(told[0], { told: '[secret]', '[secret]': ['YWRhO[secret]'], score: 1 })
    })

    test('ends a task that takes too long', async () => {
      const slow = pool.map([new Wait()], { timeoutMs: 100, onError: 'collect', taskId: () => 'slow' })
      const [outcome] = await all(slow)
      assert.ok(outcome && !outcome.ok)
      assert.equal(outcome.error.code, 'TASK_TIMEOUT')
      assert.match(outcome.error.message, /^Task "slow" took longer than 100 ms/)
    })

    test('takes any time where no time is too long', async () => {
      const file = join(folder, 'patient')
      const [outcome] = await all(pool.map([new Note({ file, ms: 50 })], { timeoutMs: Infinity }))
      assert.equal(outcome?.ok, true)
    })

    test('a task that is cancelled as it starts hears of it', async () => {
      const file = join(folder, 'tidied')
      const onEvent = ({ type, cancel }: TaskEvent<any>) => type === 'started' && cancel()
      const [outcome] = await all(pool.map([new Tidy({ file })], { onEvent, onError: 'collect' }))
      assert.equal(outcome?.ok === false && outcome.error.code, 'TASK_CANCELLED')
      assert.ok(existsSync(file))
    })

    test('progress that JSON cannot hold is the mistake of its task', async () => {
      const [outcome] = await all(pool.map([new Untold()], { onError: 'collect' }))
      assert.match(String(outcome?.ok === false && outcome.error.message), /serialize a BigInt/)
    })

    test('a callback that throws ends the map', async () => {
      const onEvent = () => {
        throw new Error('no ears')
      }
      await assert.rejects(all(pool.map([new Wait()], { onEvent })), /^Error: no ears$/)
    })

    test('a task with an id that was there is not done again', async () => {
      const file = join(folder, 'notes')
      const twice = [new Note({ file }), new Note({ file }), new Note({ file })]
      const outcomes = await all(pool.map(twice, { taskId: (_, index) => (index < 2 ? 'same' : 'other') }))
      assert.deepEqual(outcomes.map(({ result }) => result).toSorted(), ['other', 'same'])
      assert.equal(readFileSync(file, 'utf8').match(/^same /gm)?.length, 1)
    })

    test('gives tasks the secrets of the run', async () => {
      const [outcome] = await all(pool.map([new Tell()]))
      assert.equal(outcome?.result, 'open sesame')
    })

    test('ends with the signal, and can be used again', async () => {
      const controller = new AbortController()
      const onEvent = () => controller.abort(new Error('enough'))
      const waiting = pool.map([new Wait(), new Wait()], { signal: controller.signal, onEvent })
      await assert.rejects(all(waiting), /^Error: enough$/)
      assert.equal((await all(pool.map([new Echo({ value: 'again' })])))[0]?.result, 'again')
    })

    test('a task has the extensions of the pool', async () => {
      const { runnable } = await new SafeExecutionContext({
        content: `mine: ${mine}\n---\n!mine.Noted {}\n`,
      }).preprocess()
      const [outcome] = await all(pool.map([runnable]))
      assert.deepEqual(outcome?.result, { mine })
      assert.ok(existsSync(join(folder, 'mine-imported')))
    })

    for (const [what, declared] of Object.entries({
      'another name': { evil: others },
      'another source': { mine: others },
    }))
      test(`a task that declares an extension of ${what} is refused, and nothing of it is imported`, async () => {
        const task = new Echo({ value: 1 })
        task.injectExtensions(declared)
        const [outcome] = await all(pool.map([task], { retries: 5, onError: 'collect' }))
        assert.ok(outcome && !outcome.ok)
        const { message, exitCode } = outcome.error
        assert.match(message, new RegExp(`Extension "${Object.keys(declared)[0]}" is refused`))
        assert.deepEqual([outcome.attempts, exitCode], [1, 22])
        assert.ok(!existsSync(join(folder, 'others-imported')))
      })

    test('a tag that no worker knows is a mistake that is not tried again', async () => {
      const unknown = new Echo({ value: 1 })
      unknown.injectExtensions({ torch: 42 as never })
      await assert.rejects(all(pool.map([unknown], { retries: 5 })), { attempts: 1, exitCode: 22 })
    })

    test('runs a task again whose worker died', {
      skip: !apart && 'it would kill this process',
    }, async () => {
      const until = join(folder, 'killed-once')
      const [outcome] = await all(pool.map([new Kill({ until })], { taskId: () => 'kills once' }))
      assert.deepEqual([outcome?.result, outcome?.attempts], ['survived', 1])
    })

    test('gives up a task that kills its worker each time', { skip: !apart && 'so would this' }, async () => {
      const tasks = [new Kill({}), new Echo({ value: 'unharmed' })]
      const outcomes = await all(pool.map<any>(tasks, { onError: 'collect', retries: 3 }))
      const [killer, other] = outcomes.toSorted((a, b) => a.index - b.index)
      assert.ok(killer && !killer.ok && other?.ok === true)
      assert.equal(killer.error.code, 'TASK_CRASHED')
      assert.equal(killer.error.attempts, 1)
      assert.equal(other.result, 'unharmed')
    })

    test('brings progress as it was when it was reported', async () => {
      const values: unknown[] = []
      const onEvent = (event: TaskEvent<any>) => event.type === 'progress' && values.push(event.value)
      const [outcome] = await all(pool.map([new Epochs()], { onEvent, onError: 'collect' }))
      assert.equal(outcome?.ok, true)
      assert.deepEqual(values, [{ epoch: 1 }, { epoch: 2 }, { epoch: 3 }])
    })

    test('a task that is cancelled before its next attempt has no other one', async () => {
      const file = join(folder, 'attempts')
      const onEvent = ({ type, cancel }: TaskEvent<any>) => type === 'retry' && cancel()
      const options = { retries: 1, onEvent, onError: 'collect', taskId: () => 'fails' } as const
      const [outcome] = await all(pool.map<any>([new Fails({ file })], options))
      assert.equal(outcome?.ok === false && outcome.error.code, 'TASK_CANCELLED')
      assert.equal(readFileSync(file, 'utf8'), '1\n')
    })

    test('what a task tells after its end is not heard', async () => {
      lines.length = 0
      const heard: unknown[] = []
      const onEvent = (event: TaskEvent<any>) => event.type === 'progress' && heard.push(event.value)
      const taskId = (_: unknown, index: number) => `late-${index}`
      const file = join(folder, 'after-late')
      const tasks = [new Late({ file }), new Until({ file })]
      await all(pool.map<any>(tasks, { onEvent, taskId }))
      assert.deepEqual([heard, lines], [[], []])
    })
  })
}
