// Connections to a real Redis that a file opens: they exist when a run begins, and are closed after any end of it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Logger, type Runnable, runFile, SafeExecutionContext } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'
import { openPool } from 'flambeau/pool'
import { inlinePool, runYaml } from 'flambeau/testing'
import { Redis } from 'ioredis'
import { RedisServer, redisServer } from '../support/redis.js'
import { until } from '../support/until.js'
import { endOf, UserPackage } from '../support/user-package.js'

const module = `
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Runnable, registrable } from 'flambeau'

/** Connections to a Redis, which keep a diary there. */
class Database {
  constructor(name, connections) {
    this.name = name
    this.connections = connections
  }

  static async open({ url, name = 'db', size = 3, hangs = false }, { signal, logger }) {
    const connections = Array.from({ length: size }, () => new Redis(url, { connectionName: 'of-a-run', lazyConnect: true }))
    await Promise.all(connections.map((each) => each.connect()))
    await connections[0].rpush('diary', 'open ' + name)
    logger.info('opened ' + name)
    if (hangs) await delay(60_000, undefined, { signal }).finally(() => Promise.all(connections.map((each) => each.quit())))
    return new Database(name, connections)
  }

  async [Symbol.asyncDispose]() {
    await this.connections[0].rpush('diary', 'close ' + this.name)
    await Promise.all(this.connections.map((each) => each.quit()))
  }
}
registrable('!Database', { create: 'open' })(Database)

class Broken {
  constructor() {
    throw new Error('this never works')
  }
}
registrable('!Broken')(Broken)

class Stuck {
  constructor(options) {
    this.options = options
  }
  [Symbol.dispose]() {
    throw new Error('it is stuck')
  }
}
registrable('!Stuck')(Stuck)

class Ask extends Runnable {
  constructor(options) {
    super(options)
    this.options = options
  }
  async run({ signal }) {
    const [connection] = this.options.db.connections
    if (this.options.fails) throw new Error('the run failed')
    if (this.options.waits) await delay(60_000, undefined, { signal })
    return { answer: await connection.ping(), accuracy: this.options.rate ?? 1 }
  }
}
registrable('!Ask')(Ask)
`

describe('a connection that a file opens', { skip: !redisServer && 'no redis-server' }, () => {
  let server: RedisServer
  let redis: Redis
  let project: UserPackage
  let imports: URL

  before(async () => {
    server = await RedisServer.start()
    redis = new Redis(server.url)
    project = new UserPackage('connections')
    project.file(
      'package.json',
      '{ "name": "connections", "version": "1.0.0", "type": "module", "dependencies": { "ioredis": "*" } }',
    )
    symlinkSync(join(process.cwd(), 'node_modules/ioredis'), join(project.folder, 'node_modules/ioredis'))
    imports = pathToFileURL(project.file('connections.js', module))
    await import(imports.href)
  })
  after(async () => {
    redis?.disconnect()
    await server?.remove()
    project?.end()
  })

  const database = (options = '') => `!Database { url: "${server.url}"${options} }`
  const file = (options = '', text = `!Ask { db: ${database()}${options} }\n`) =>
    project.file('ask.yaml', text)

  /** What runs wrote since the last look; also that none of their connections is open. */
  async function diary(): Promise<string[]> {
    await until(
      async () => !String(await redis.client('LIST')).includes('name=of-a-run'),
      'all connections are closed',
    )
    const lines = await redis.lrange('diary', 0, -1)
    await redis.del('diary')
    return lines
  }

  const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
  const once = ['open db', 'close db']

  test('is closed after the run, which receives it', async () => {
    const outcome = await runFile<{ answer: string }>(file(), { logger: silent })
    assert.deepEqual(outcome.ok && outcome.value.answer, 'PONG')
    assert.deepEqual(await diary(), once)
  })

  test('is closed after a run that fails, and after a dry run', async () => {
    assert.equal((await runFile(file(', fails: true'), { logger: silent })).exitCode, 1)
    assert.deepEqual(await diary(), once)
    assert.equal((await runFile(file(), { logger: silent, dryRun: true })).exitCode, 0)
    assert.deepEqual(await diary(), once)
  })

  test('is closed when a sibling fails', async () => {
    const outcome = await runFile(file('', `!Ask { x: !Broken {}, db: ${database()} }`), { logger: silent })
    assert.match(String(!outcome.ok && outcome.error), /"!Broken" could not be constructed.*this never works/)
    assert.deepEqual(await diary(), once)
  })

  test('is closed when the file is not a runnable', async () => {
    assert.equal((await runFile(file('', database()), { logger: silent })).exitCode, 22)
    assert.deepEqual(await diary(), once)
  })

  test('is closed in the reverse order, also when another object cannot be disposed of, which is logged', async () => {
    const lines: string[] = []
    const warn = (text: string) => lines.push(text)
    const text = `!Ask { db: ${database(', name: first')}, s: !Stuck {}, last: ${database(', name: last')} }`
    const outcome = await runFile(file('', text), { logger: { ...silent, warn } })
    assert.equal(outcome.exitCode, 0)
    assert.deepEqual((await diary()).slice(2), ['close last', 'close first'])
    assert.match(lines.join('\n'), /"!Stuck" could not be disposed of: it is stuck\n\n {2}.*ask\.yaml:1:/)
  })

  test('is closed by the context, which leaves it open between its steps', async () => {
    const context = new SafeExecutionContext(file())
    const outcome = await context.run(
      async (options) => {
        const { runnable } = await context.preprocess()
        return [await (runnable as Runnable<any>).run(options), await redis.lrange('diary', 0, -1)]
      },
      { logger: silent },
    )
    assert.deepEqual(outcome.ok && outcome.value, [{ answer: 'PONG', accuracy: 1 }, ['open db']])
    assert.deepEqual(await diary(), once)
  })

  test('is closed in a test of the user', async () => {
    const { outcome, logs } = await runYaml(`!Ask { db: ${database()} }`)
    assert.equal(outcome.exitCode, 0)
    assert.deepEqual(logs, [{ level: 'info', text: 'opened db' }])
    assert.deepEqual(await diary(), once)
  })

  /** Starts the command line, and interrupts it when the database is open. */
  async function interrupted(path: string) {
    const args = ['dist/cli/main.js', 'run', path, '--import', imports.pathname]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const end = endOf(child)
    await until(async () => (await redis.llen('diary')) > 0, 'the database is open')
    child.kill('SIGINT')
    const { code, stderr } = await end
    assert.equal(code, 130, stderr)
    assert.ok(!existsSync(`/proc/${child.pid}`))
    return diary()
  }

  test('is closed after Ctrl-C in the run, and in the construction', async () => {
    assert.deepEqual(await interrupted(file(', waits: true')), once)
    const text = `!Ask { db: ${database()}, other: ${database(', name: slow, hangs: true')} }`
    const lines = await interrupted(file('', text))
    assert.deepEqual(lines.toSorted(), ['close db', 'open db', 'open slow'])
  })

  const task = async (options = '') => {
    const context = new SafeExecutionContext(file(options))
    return (await context.preprocess({ logger: silent })).runnable as Runnable<{ answer: string }, any>
  }

  for (const engine of ['processes', 'inline'] as const)
    test(`is closed after each task of a pool: ${engine}`, async () => {
      const tasks = [await task(), await task(', fails: true'), await task()]
      await redis.del('diary')
      const pool =
        engine === 'inline'
          ? await inlinePool()
          : await openPool({ imports: [imports], workers: 1, folder: project.folder })
      const answers: unknown[] = []
      for await (const outcome of pool.map(tasks, { onError: 'collect' }))
        answers.push(outcome.ok && (outcome.result as { answer: string }).answer)
      // The objects of this process are open still; those of the tasks are not.
      assert.deepEqual(await redis.lrange('diary', 0, -1), [...once, ...once, ...once])
      await pool.close()
      assert.deepEqual(answers.toSorted(), ['PONG', 'PONG', false])
      for (const each of tasks) await (each as any).options.db[Symbol.asyncDispose]()
      await diary()
    })

  /** The best metric of a sweep over these choices. */
  const sweep = async (name: string, choices: string) => {
    const output = join(project.folder, name)
    const text = `!Sweep\neach: !Ask { ${choices} }\nmetric: accuracy\nworkers: 1\noutput: ${output}\n`
    const outcome = await runFile<any>(project.file(`${name}.yaml`, text), {
      logger: silent,
      runOptions: { imports: [imports] },
    })
    return outcome.ok && outcome.value.best.metric
  }

  test('is closed after each trial of a sweep, and where trials are only written down', async () => {
    assert.deepEqual(await sweep('sweep', `db: ${database()}, rate: !choice [1, 2, 3]`), 3)
    const lines = await diary()
    assert.deepEqual(lines.filter((line) => line === 'open db').length, lines.length / 2)
  })

  test('can be a choice of a sweep, and is closed after it', async () => {
    const choice = `!choice [${database(', name: one')}, ${database(', name: two')}]`
    assert.deepEqual(await sweep('choices', `db: ${choice}, rate: !choice [1, 2]`), 2)
    const lines = await diary()
    for (const name of ['one', 'two'])
      assert.deepEqual(
        lines.filter((line) => line === `open ${name}`).length,
        lines.filter((line) => line === `close ${name}`).length,
      )
  })

  test('is closed after a run on a cluster', async () => {
    const cluster = new LocalCluster({ name: 'open', factories: 0, folder: join(project.folder, 'hosts') })
    try {
      const runnable = await task()
      const run = await cluster.submit(runnable, { imports: [imports] })
      const end = await run.wait()
      assert.deepEqual([end.exitCode, end.value], [0, { answer: 'PONG', accuracy: 1 }])
      await (runnable as any).options.db[Symbol.asyncDispose]()
      assert.deepEqual((await diary()).toSorted(), ['close db', 'close db', 'open db', 'open db'])
    } finally {
      await cluster.down({ force: true })
      await cluster.close()
    }
  })
})
