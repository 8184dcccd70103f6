// Secrets give the same answers wherever they travel, and only what was named leaves.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { parseSecrets, type SecretsConfig, type SecretsDialect } from 'flambeau'
import { bullmqEngine, startWorkers } from 'flambeau/bullmq'
import { LocalCluster } from 'flambeau/cluster'
import { openPool, type PoolOptions } from 'flambeau/pool'
import { Project } from '../../support/cluster-project.js'
import { emitted } from '../../support/emitted.js'
import { all, tasks } from '../../support/engine-conformance.js'
import { Answers } from '../../support/pool-tasks.js'
import { RedisServer, redisServer } from '../../support/redis.js'
import {
  answer,
  answersOf,
  iniFile,
  pythonFile,
  type SecretsFile,
  textOf,
} from '../../support/secret-files.js'

const { serializeAllSecrets, serializeSecrets, deserializeSecrets } = await emitted(
  'runnable/secrets/serialize-secrets.js',
)
const { parseSecrets: parseHere } = await emitted('runnable/secrets/read-secrets.js')

const dialects: readonly (readonly [SecretsDialect, fc.Arbitrary<SecretsFile>])[] = [
  ['python', pythonFile],
  ['ini', iniFile],
]

/** As from one process to another. */
const received = (shared: unknown): SecretsConfig => deserializeSecrets(JSON.parse(JSON.stringify(shared)))

describe('the transfer format of secrets', () => {
  for (const [dialect, anyFile] of dialects) {
    test(`all secrets give the same answers after they were sent, ${dialect}`, async () => {
      await fc.assert(
        fc.asyncProperty(anyFile, async (file) => {
          const here = await parseHere(textOf(file, dialect), { dialect, filename: 's.ini' })
          const there = received(serializeAllSecrets(here))
          assert.deepEqual(answersOf(there), answersOf(here))
          assert.deepEqual(answersOf(received(serializeAllSecrets(there))), answersOf(here), 'sent twice')
        }),
        { numRuns: 500 },
      )
    })

    test(`a section that is named gives the same answers for its own keys, ${dialect}`, async () => {
      await fc.assert(
        fc.asyncProperty(anyFile, fc.subarray(['A', 'a', 'AWS', 'get', 'ä b']), async (file, allowed) => {
          const here = await parseHere(textOf(file, dialect), { dialect, filename: 's.ini' })
          const shared = answer(() => serializeSecrets(here, allowed))
          if ((shared as { code?: string }).code !== undefined) return
          const there = received(shared)
          for (const [name, keys] of file.filter(([name]) => allowed.includes(name)))
            for (const [key] of keys) assert.equal(there.get(name, key), here.get(name, key))
          assert.deepEqual(
            there.sections(),
            here.sections().filter((name: string) => allowed.includes(name)),
          )
        }),
        { numRuns: 500 },
      )
    })

    test(`nothing of a section leaves that is not named, ${dialect}`, async () => {
      await fc.assert(
        fc.asyncProperty(anyFile, async (file) => {
          const marked = file.map(([name, keys]) => {
            const own =
              name === 'DEFAULT' ? keys.map(([key]) => [`left-${key}`, 'left-value'] as const) : keys
            return [
              name,
              name === 'A' ? own : own.map(([key]) => [`left-${key}`, 'left-value'] as const),
            ] as const
          })
          const here = await parseHere(textOf(marked, dialect), { dialect, filename: 's.ini' })
          const shared = answer(() => serializeSecrets(here, ['A']))
          assert.doesNotMatch(JSON.stringify(shared), /left-/)
        }),
        { numRuns: 300 },
      )
    })
  }
})

describe('keys of [DEFAULT]', () => {
  const text = `[DEFAULT]
host = db.example
url = http://%(host)s:%(port)s
[AWS]
port = 100%%
login = %(user)s@%(host)s
user = ada
[GCP]
port = 2
`
  const sent = async (allowed: string[]): Promise<SecretsConfig> =>
    received(serializeSecrets(await parseHere(text, { filename: 's.ini' }), allowed))

  test('stay when a section is named, and the message for one names DEFAULT', async () => {
    const config = await sent(['AWS'])
    assert.deepEqual(config.keys('AWS'), ['port', 'login', 'user'])
    assert.deepEqual([config.has('DEFAULT'), config.has('AWS', 'url')], [false, false])
    const send = 'to "secrets" in the cluster file: "secrets: [AWS, DEFAULT]"'
    const missing = (key: string) =>
      `No key "${key}" in section "AWS" of "s.ini", and the keys of "[DEFAULT]" were not sent to this machine`
    assert.deepEqual(
      answer(() => config.get('AWS', 'url')),
      { code: 'SECRETS_NO_KEY', message: `${missing('url')}: add "DEFAULT" ${send}` },
    )
    assert.deepEqual(
      answer(() => config['AWS']!['usr']),
      {
        code: 'SECRETS_NO_KEY',
        message: `${missing('usr')}: did you mean "user"? Otherwise add "DEFAULT" ${send}`,
      },
    )
    assert.deepEqual(
      answer(() => config.get('DEFAULT', 'host')),
      {
        code: 'SECRETS_NOT_SENT',
        message: `Section "[DEFAULT]" of "s.ini" was not sent to this machine: add it ${send}`,
      },
    )
    assert.match((answer(() => config.get('GCP', 'port')) as Error).message, /"secrets: \[AWS, GCP\]"$/)
  })

  test('that a value refers to are filled in before it is sent', async () => {
    const config = await sent(['AWS'])
    assert.deepEqual([config.get('AWS', 'login'), config.get('AWS', 'port')], ['ada@db.example', '100%'])
  })

  test('leave when DEFAULT is named, and are read in the section that asks', async () => {
    const config = await sent(['DEFAULT', 'AWS', 'GCP'])
    assert.equal(config.get('AWS', 'url'), 'http://db.example:100%')
    assert.equal(config.get('GCP', 'url'), 'http://db.example:2')
    assert.deepEqual(Object.keys(config), ['DEFAULT', 'AWS', 'GCP'])
    assert.equal((answer(() => config.get('DEFAULT', 'url')) as any).code, 'SECRETS_NO_REFERENCE')
    const alone = await sent(['DEFAULT'])
    assert.deepEqual([alone.sections(), alone.get('DEFAULT', 'host')], [[], 'db.example'])
  })

  test('are a section like any other in the ini dialect', async () => {
    const here = await parseHere('[DEFAULT]\nhost = h\n[AWS]\nport = 1\n', {
      dialect: 'ini',
      filename: 's.ini',
    })
    const config = received(serializeSecrets(here, ['AWS']))
    assert.match((answer(() => config.get('AWS', 'host')) as Error).message, /: add a line/)
    assert.match(
      (answer(() => config.get('DEFAULT', 'host')) as Error).message,
      /"secrets: \[AWS, DEFAULT\]"$/,
    )
  })

  test('the line to type is YAML for names of any kind', async () => {
    const here = await parseHere('[a, b]\nx = 1\n[true]\nx = 1\n[AWS]\nx = 1\n', { filename: 's.ini' })
    const config = received(serializeSecrets(here, ['a, b']))
    assert.match((answer(() => config.get('true', 'x')) as Error).message, /"secrets: \["a, b", "true"\]"$/)
  })
})

describe('secrets in workers and on hosts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-transfer-'))
  after(() => rmSync(folder, { recursive: true, force: true }))

  // One file with all that properties found worth a file, in each dialect.
  const texts: readonly (readonly [SecretsDialect, string])[] = [
    [
      'python',
      '[DEFAULT]\nx = 1\nurl = %(user)s:%(x)s\n[A]\nKey = upper\nbad = 50%\nuser = a%%b\nnone = %(gone)s\n[__proto__]\n__proto__ = 2\n[empty]\n',
    ],
    [
      'ini',
      '[A]\nKey = upper\nkey = lower\nbad = 50%\nconstructor = "a \\"b\\"\\nc"\n[DEFAULT]\nx = %(key)s\n[empty]\n',
    ],
  ]

  async function givesTheSame(
    open: (secrets: SecretsConfig) => Promise<PoolOptions>,
    close?: () => Promise<void>,
  ) {
    for (const [dialect, text] of texts) {
      const secrets = await parseSecrets(text, { dialect, filename: 's.ini' })
      const pool = await openPool({ imports: [tasks], workers: 1, folder, ...(await open(secrets)) })
      try {
        const [outcome] = await all(pool.map([new Answers()]))
        assert.deepEqual(outcome!.result, JSON.parse(JSON.stringify(answersOf(secrets))), dialect)
      } finally {
        await pool.close()
        await close?.()
      }
    }
  }

  test('a task gets the same answers in this process', () =>
    givesTheSame(async (secrets) => ({ engine: 'inline', secrets })))

  test('a task gets the same answers in a child process', () =>
    givesTheSame(async (secrets) => ({ secrets })))

  test('a task gets the same answers from a queue', { skip: redisServer === undefined }, async () => {
    await using server = await RedisServer.start()
    let workers: AsyncDisposable
    await givesTheSame(
      async (secrets) => {
        const engine = await bullmqEngine({ redis: server.url })
        const given = { redis: server.url, queue: engine.queue, imports: [tasks], slots: 1, folder, secrets }
        workers = await startWorkers(given)
        return { engine }
      },
      () => Promise.resolve(workers[Symbol.asyncDispose]()),
    )
  })

  describe('on a cluster', () => {
    let project: Project
    before(() => {
      project = new Project()
    })
    after(() => project.end())

    test('a run gets the same answers for the sections that were named, in both dialects', async () => {
      for (const [dialect, text] of [
        ['python', '[DEFAULT]\nmaster = master-value\n[AWS]\nKey = a%%b\nurl = u:%(master)s\n'],
        ['ini', '[DEFAULT]\nmaster = master-value\n[AWS]\nKey = a%%b\nkey = "c d"\n'],
      ] as const) {
        const file = project.file('secrets.ini', text)
        writeFileSync(file, text)
        const cluster = new LocalCluster({
          name: dialect,
          folder: join(folder, dialect),
          factories: 0,
          secrets: ['AWS'],
        })
        const code = `return Object.fromEntries(this.config.keys('AWS').map((key) => [key, this.config.get('AWS', key)]))`
        const job = await project.job(code)
        await job.injectSecrets(file, { dialect })
        const run = await cluster.submit(job, { imports: [project.module] })
        const { value, state } = await run.wait()
        assert.equal(state, 'succeeded', (await buffer(run.logs())).toString())
        const expected = { python: { key: 'a%b', url: 'u:master-value' }, ini: { Key: 'a%%b', key: 'c d' } }
        assert.deepEqual(value, expected[dialect])
        await cluster.close()
      }
    })
  })
})
