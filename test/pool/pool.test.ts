import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { load, parseSecrets, Registry, Runnable } from 'flambeau'
import { openPool, type ResultFile, type TaskEvent } from 'flambeau/pool'
import { all, tasks } from '../support/engine-conformance.js'
import { Draw, Echo, Flaky, Leak, Long, Note, Says, Talk } from '../support/pool-tasks.js'
import { until } from '../support/until.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-pool-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const processes = { imports: [tasks], workers: 2, graceMs: 1000 }

describe('pools', () => {
  describe('map', () => {
    test('takes tasks only as outcomes are taken', async () => {
      const pool = await openPool({ engine: 'inline' })
      let made = 0
      function* endless() {
        for (;;) yield new Echo({ value: made++ })
      }
      let taken = 0
      for await (const _ of pool.map(endless())) {
        assert.ok(made <= taken + 2, `${made} made, ${taken} taken`)
        if (++taken === 100) break
      }
      await pool.close()
    })

    test('waits for promises of tasks in an array', async () => {
      const pool = await openPool({ engine: 'inline' })
      const later = [1, 2].map(async (value) => new Echo({ value })) as unknown as Echo[]
      const outcomes = await all(pool.map([...later, new Echo({ value: 3 })]))
      assert.deepEqual(
        outcomes.map(({ result }) => result),
        [1, 2, 3],
      )
      await pool.close()
    })

    test('passes on what the generator of the tasks throws', async () => {
      const pool = await openPool({ engine: 'inline' })
      async function* broken() {
        yield new Echo({ value: 1 })
        throw new Error('no more tasks')
      }
      await assert.rejects(all(pool.map(broken())), /^Error: no more tasks$/)
      await pool.close()
    })

    test('of no tasks is over at once', async () => {
      const pool = await openPool()
      assert.deepEqual(await all(pool.map([])), [])
      await pool.close()
    })

    test('knows the tags of a registry of its own', async () => {
      const registry = new Registry()
      registry.add(
        class Own extends Runnable {
          override run() {
            return 'own'
          }
        },
        '!Own',
      )
      const pool = await openPool({ engine: 'inline', registry })
      const Own = registry.get('!Own')!.Class as unknown as new (options: object) => Runnable<string>
      assert.equal((await all(pool.map([new Own({})])))[0]?.result, 'own')
      await pool.close()
    })

    test('of a pool that is closed or aborted leaves the results in its folder alone', async () => {
      const output = join(folder, 'closed-output')
      const controller = new AbortController()
      const pool = await openPool({ engine: 'inline', signal: controller.signal })
      await all(pool.map([new Echo({ value: 1 })], { output }))
      controller.abort(new Error('enough'))
      await assert.rejects(all(pool.map([], { output, force: true })), /^Error: enough$/)
      await pool.close()
      await assert.rejects(all(pool.map([], { output, force: true })), /^Error: The pool is closed$/)
      const other = await openPool({ engine: 'inline' })
      const { signal } = controller
      await assert.rejects(all(other.map([], { output, force: true, signal })), /^Error: enough$/)
      await other.close()
      assert.deepEqual(readdirSync(output), ['done.jsonl'])
    })

    test('that is cancelled while the modules of its tasks are imported runs none', async () => {
      const [module, file] = [join(folder, 'slow-import.mjs'), join(folder, 'ran')]
      writeFileSync(module, 'await new Promise((resolve) => { globalThis.goOn = resolve })')
      const pool = await openPool({ engine: 'inline', imports: [module] })
      const controller = new AbortController()
      const mapping = all(pool.map([new Note({ file })], { signal: controller.signal }))
      await until(() => 'goOn' in globalThis)
      controller.abort(new Error('enough'))
      ;(globalThis as unknown as { goOn(): void }).goOn()
      await assert.rejects(mapping, /^Error: enough$/)
      await pool.close()
      assert.ok(!existsSync(file))
    })
  })

  test('a secret that is a word of messages between processes changes none of them', async () => {
    const words =
      'type value text level info log progress failed error message stack name code reason started'
    const lines = words.split(' ').map((word, at) => `k${at} = ${word}\n`)
    const secrets = await parseSecrets(`[AWS]\nKEY = open sesame\n${lines.join('')}`)
    for (const engine of ['inline', 'processes'] as const) {
      const pool = await openPool({
        ...processes,
        engine,
        secrets,
        folder: join(folder, 'words'),
        logger: silent,
      })
      const types: string[] = []
      const onEvent = (event: TaskEvent<any>) => types.push(event.type)
      const [outcome] = await all(pool.map<any>([new Leak()], { onEvent, onError: 'collect' }))
      await pool.close()
      assert.deepEqual(types, ['started', 'log', 'progress'])
      assert.ok(outcome && !outcome.ok)
      assert.deepEqual([outcome.error.code, (outcome.error.cause as Error).name], ['TASK_FAILED', 'Error'])
      assert.match(outcome.error.message, /\[secret\]/)
    }
  })

  describe('what tasks leave in a folder', () => {
    test('large results of two maps, or of ids that begin alike, are files of their own', async () => {
      const pool = await openPool({ engine: 'inline', folder: join(folder, 'large') })
      const begins = 'x'.repeat(300)
      const read = async (length: number, id: string) => {
        const [outcome] = await all(pool.map([new Long({ length })], { taskId: () => id }))
        return outcome!.result as ResultFile<string>
      }
      const files = [
        await read(70_000, 'same'),
        await read(70_001, 'same'),
        await read(70_002, `${begins}1`),
        await read(70_003, `${begins}2`),
      ]
      const lengths = await Promise.all(files.map(async (file) => (await file.read()).length))
      assert.deepEqual(lengths, [70_000, 70_001, 70_002, 70_003])
      await pool.close()
    })

    test('what failed says the command that repeats it, which works in a shell', async () => {
      const place = join(folder, "it's here")
      mkdirSync(place)
      const module = join(place, 'my tasks.mjs')
      writeFileSync(module, `export * from ${JSON.stringify(tasks)}\n`)
      const imports = [pathToFileURL(module)]
      const pool = await openPool({ imports, workers: 1, folder: place })
      const [outcome] = await all(pool.map([new Flaky({ failures: 9 })], { onError: 'collect' }))
      await pool.close()
      assert.ok(outcome && !outcome.ok)
      const [, command = ''] = /^Task "01" failed: no luck in attempt 1 \(repeat it with "(.*)"\)$/.exec(
        outcome.error.message,
      )!
      assert.match(
        readFileSync(outcome.error.file!, 'utf8'),
        new RegExp(`^# again: ${escaped(command)}$`, 'm'),
      )
      const script = command.replace(/^flambeau/, `${process.execPath} dist/cli/main.js`)
      const repeated = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
      assert.match(repeated.stderr, /no luck in attempt 1/)
    })

    test('what failed is repeated with its seed', async () => {
      const pool = await openPool({ imports: [tasks], workers: 1, folder })
      const mapped = pool.map([new Draw({ failures: 1 })], {
        onError: 'collect',
        taskId: () => 'drawn',
        seed: 5,
      })
      const [outcome] = await all(mapped)
      await pool.close()
      assert.ok(outcome && !outcome.ok)
      const [, seed, command = ''] = /failed: (seed \d+) \(repeat it with "(.*)"\)/.exec(
        outcome.error.message,
      )!
      const script = command.replace(/^flambeau/, `${process.execPath} dist/cli/main.js`)
      const repeated = spawnSync('sh', ['-c', script], { encoding: 'utf8' })
      assert.match(repeated.stderr, new RegExp(`${seed}\\b`))
      const anew = spawnSync('sh', ['-c', script.replace(/--seed \d+/, '')], { encoding: 'utf8' })
      assert.match(anew.stderr, /seed undefined/)
      const wrong = spawnSync('sh', ['-c', script.replace(/--seed \d+/, '--seed 1.5')], { encoding: 'utf8' })
      assert.match(wrong.stderr, /It must be a whole number from 0 to 2147483647/)
    })

    test('on a cluster they are where a later run finds them, or it is said why not', async () => {
      const home = join(folder, 'home')
      mkdirSync(join(home, '.flambeau/packages/hash'), { recursive: true })
      mkdirSync(join(home, 'run/taken'), { recursive: true })
      const program = { cluster: 'lab', imports: [], extensions: {} }
      writeFileSync(join(home, 'run/program.json'), JSON.stringify(program))
      writeFileSync(join(home, 'run/connection.json'), JSON.stringify({ packageHash: 'hash' }))
      const env = { ...process.env, HOME: home, FLAMBEAU_RUN: join(home, 'run') }
      const args = ['--input-type=module', '-e', keeping]
      const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 30_000 })
      assert.equal(stdout, 'kept\nkept\nOUTPUT_TAKEN\n')
      assert.ok(existsSync(join(home, '.flambeau/clusters/lab/content/found/done.jsonl')))
      assert.deepEqual(readdirSync(join(home, 'run/taken')), [])
    })

    test('a "done.jsonl" that no map wrote is left alone, and set aside with force', async () => {
      for (const [index, text] of ['milk\neggs', 'my own notes', '{\n  "mine": 1\n}\n', '[1]\n'].entries()) {
        const output = join(folder, `foreign-${index}`)
        mkdirSync(output)
        writeFileSync(join(output, 'done.jsonl'), text)
        const pool = await openPool({ engine: 'inline' })
        const echo = () => [new Echo({ value: 1 })]
        for (const resume of [false, true])
          await assert.rejects(all(pool.map(echo(), { output, resume })), { code: 'EDITED_RESULTS' })
        assert.equal(readFileSync(join(output, 'done.jsonl'), 'utf8'), text)
        await all(pool.map(echo(), { output, force: true }))
        const [time = ''] = readdirSync(join(output, 'old'))
        assert.equal(readFileSync(join(output, 'old', time, 'done.jsonl'), 'utf8'), text)
        await pool.close()
      }
    })

    test('a first result that was cut off while it was written is dropped', async () => {
      for (const [index, text] of ['', '\n', '{', '{"id":"01","ke'].entries()) {
        const output = join(folder, `cut-${index}`)
        mkdirSync(output)
        writeFileSync(join(output, 'done.jsonl'), text)
        const pool = await openPool({ engine: 'inline' })
        const map = () =>
          all(pool.map([new Echo({ value: 1 })], { output, resume: true, taskId: () => 'one' }))
        await map()
        assert.deepEqual(
          (await map()).map(({ result }) => result),
          [1],
        )
        assert.match(readFileSync(join(output, 'done.jsonl'), 'utf8'), /^\{"id":"one".*\n$/)
        await pool.close()
      }
    })

    test('a file of results that cannot be closed does not stay locked', async () => {
      const output = join(folder, 'not-closed')
      const pool = await openPool({ engine: 'inline' })
      const mapping = pool.map([new Echo({ value: 1 })], { output })
      await mapping.next()
      const file = join(output, 'done.jsonl')
      const linkOf = (fd: string) => readlinkSync(`/proc/self/fd/${fd}`)
      const fds = readdirSync('/proc/self/fd').filter((fd) => existsSync(`/proc/self/fd/${fd}`))
      closeSync(Number(fds.find((fd) => linkOf(fd) === realpathSync(file))))
      await assert.rejects(all(mapping), { code: 'EBADF' })
      assert.equal((await all(pool.map([], { output, resume: true }))).length, 0)
      await pool.close()
    })

    test('a task that fails again without a word does not keep the log of its earlier failure', async () => {
      const [options, log] = [{ taskId: () => 'silent', onError: 'collect' } as const, 'failed/silent.log']
      const talks = await openPool({ ...processes, workers: 1, folder })
      await all(talks.map([new Talk({ lines: 2, end: 'throw' })], options))
      await talks.close()
      assert.ok(existsSync(join(folder, log)))
      const silent = await openPool({ engine: 'inline', folder })
      await all(silent.map([new Flaky({ failures: 9 })], options))
      await silent.close()
      assert.ok(!existsSync(join(folder, log)))
    })

    test('the file of a task with a comment goes when the task succeeds, unless somebody added another', async () => {
      const pool = await openPool({ engine: 'inline', folder })
      const map = (id: string, retries: number) => {
        const task = load('# my own words\n!Flaky\nfailures: 1\n') as Flaky
        return all(pool.map([task], { taskId: () => id, retries, backoff: 1, onError: 'collect' }))
      }
      const files = ['plain', 'looked-at'].map((id) => join(folder, 'failed', `${id}.yaml`))
      await map('plain', 0)
      await map('looked-at', 0)
      for (const file of files)
        assert.match(readFileSync(file, 'utf8'), /^# task .*\n# again: .*\n# my own words\n/)
      writeFileSync(files[1]!, `# looked at by me\n${readFileSync(files[1]!, 'utf8')}`)
      await map('plain', 1)
      await map('looked-at', 1)
      await pool.close()
      assert.deepEqual(files.map(existsSync), [false, true])
    })

    test('a file of a failed task is YAML, whatever its error says', async () => {
      const pool = await openPool({ engine: 'inline', folder })
      const error = 'first\rsecond: [\u001b[1m\nthird'
      const map = (says: string) =>
        all(pool.map([new Says({ says })], { taskId: () => 'says', onError: 'collect' }))
      await map(error)
      const text = readFileSync(join(folder, 'failed/says.yaml'), 'utf8')
      await pool.close()
      assert.equal(text.split('\n')[0], '# task says failed: first\\u000dsecond: [\\u001b[1m')
      assert.equal((load(text) as Says).options.says, error)
    })
  })
})

const keeping = `
  import { RemoteEnvironment } from 'flambeau'
  import { openPool } from 'flambeau/pool'
  import { Echo } from ${JSON.stringify(tasks)}
  const user = { user: 'ada', localUser: 'ada' }
  const env = new RemoteEnvironment({ key: 'key', orchestratorIp: '127.0.0.1', factoriesIps: [], ...user })
  process.chdir(process.env.FLAMBEAU_RUN)
  const pool = await openPool({ env, imports: [${JSON.stringify(tasks)}], workers: 1 })
  for (const output of ['found/', './found', 'taken'])
    try {
      const outcomes = pool.map([new Echo({ value: 'kept' })], { taskId: () => 'one', output, resume: true })
      for await (const { result } of outcomes) console.log(result)
    } catch ({ code }) {
      console.log(code)
    }
  await pool.close()`

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
