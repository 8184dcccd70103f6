import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { parseSecrets, Registry, Runnable } from 'flambeau'
import { openPool, type ResultFile, type TaskEvent } from 'flambeau/pool'
import { all, tasks } from '../support/engine-conformance.js'
import { Echo, Flaky, Leak, Long } from '../support/pool-tasks.js'

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
      assert.deepEqual(types, ['started', 'progress'])
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
