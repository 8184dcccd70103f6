import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import {
  ClusterRunnable,
  check,
  defaultRegistry,
  dump,
  load,
  parseSecrets,
  Registry,
  RemoteEnvironment,
  Runnable,
  type RunOptions,
  registrable,
  runOptions,
  type SetupOptions,
} from 'flambeau'
import {
  inlinePool,
  MemoryCluster,
  MemoryHost,
  MemoryLogger,
  runYaml,
  secretsOf,
  withRegistry,
} from 'flambeau/testing'
import { z } from 'zod'
import { all } from '../support/engine-conformance.js'

const own = new Registry()
const folder = mkdtempSync(join(tmpdir(), 'flambeau-testing-'))
after(() => rmSync(folder, { recursive: true, force: true }))

@registrable('!Greet', { registry: own })
class Greet extends Runnable.with(z.strictObject({ name: z.string() })) {
  override async run({ logger, force }: RunOptions & { loud?: boolean }): Promise<string> {
    logger.info('greeting %s', this.options.name)
    logger.debug(`${this.config.get('MAIL', 'KEY', { fallback: 'no key' })}, force: ${force}`)
    if (this.options.name === '') throw new Error('nobody is there')
    return `Hello ${this.options.name}`
  }
}

describe('withRegistry', () => {
  const before = defaultRegistry.tags()
  after(() => assert.deepEqual(defaultRegistry.tags(), before))

  test('holds what decorators register, and what is loaded without a registry', () => {
    const made = withRegistry((registry) => {
      @registrable('!Inside')
      class Inside {
        constructor(readonly options: { a?: number } = {}) {}
      }
      assert.equal(registry.get('!Inside')?.Class, Inside)
      assert.deepEqual(check('!Inside { a: 1 }'), [])
      assert.equal(dump(new Inside({ a: 2 })), '!Inside\na: 2\n')
      return load('!Inside { a: 1 }', { expect: Inside }).options.a
    })
    assert.equal(made, 1)
    assert.equal(defaultRegistry.has('!Inside'), false)
    assert.equal(check('!Inside {}')[0]?.code, 'UNKNOWN_TAG')
  })

  test('sees what was registered before, and can put another class in its place', () => {
    withRegistry((outer) => {
      outer.add(Greet, '!Inside')
      withRegistry((inner) => {
        assert.equal(inner.get('!Inside')?.Class, Greet)
        inner.add(class Other extends Greet {}, '!Inside', { override: true })
        assert.notEqual(inner.get('!Inside')?.Class, Greet)
      })
      assert.equal(outer.get('!Inside')?.Class, Greet)
    })
  })

  test('ends with an error of its body, thrown or rejected', async () => {
    const fail = (): never => {
      registrable('!Inside')(class {})
      throw new Error('no')
    }
    assert.throws(() => withRegistry(fail), /^Error: no$/)
    await assert.rejects(
      withRegistry(async () => fail()),
      /^Error: no$/,
    )
    assert.equal(defaultRegistry.has('!Inside'), false)
  })

  test('keeps tests apart that run at the same time', async () => {
    const one = (name: string) =>
      withRegistry(async () => {
        const Class = class {
          readonly name = name
        }
        registrable('!Inside')(Class)
        await delay(1)
        return load('!Inside', { expect: Class }).name
      })
    assert.deepEqual(await Promise.all(['a', 'b', 'c'].map(one)), ['a', 'b', 'c'])
  })

  test('holds the classes of a module that is first imported meanwhile', async () => {
    const module = join(folder, 'module.mjs')
    const url = import.meta.resolve('flambeau')
    writeFileSync(module, `import { registrable } from '${url}'\nregistrable('!Inside')(class {})\n`)
    await withRegistry(async (registry) => {
      await import(pathToFileURL(module).href)
      assert.ok(registry.has('!Inside'))
    })
    assert.equal(defaultRegistry.has('!Inside'), false)
  })
})

describe('runYaml', () => {
  test('tells the value, the logs and the runnable', async () => {
    const { outcome, logs, runnable } = await runYaml('!Greet { name: Ada }', { classes: [Greet] })
    assert.deepEqual(outcome, { ok: true, value: 'Hello Ada', exitCode: 0 })
    assert.deepEqual(logs, [
      { level: 'info', text: 'greeting Ada' },
      { level: 'debug', text: 'no key, force: false' },
    ])
    assert.ok(runnable instanceof Greet)
    assert.equal(dump(runnable), '!Greet { name: Ada }\n')
    assert.equal(defaultRegistry.has('!Greet'), false)
  })

  test('tells the error, typed, and what was logged of it', async () => {
    const { outcome, logs, runnable } = await runYaml('!Greet { nam: Ada }', { classes: [Greet] })
    assert.ok(!outcome.ok)
    assert.equal(outcome.error.name, 'ValidationError')
    assert.equal(outcome.exitCode, 22)
    assert.deepEqual(logs, [{ level: 'error', text: outcome.error.message }])
    assert.equal(runnable, undefined)
    const failed = await runYaml('!Greet { name: "" }', { registry: own })
    assert.equal(failed.outcome.ok, false)
    assert.ok(failed.runnable instanceof Greet)
    assert.match(failed.logs.at(-1)!.text, /nobody is there/)
  })

  test('passes on run options, and stops before run() when it is told to', async () => {
    const forced = await runYaml('!Greet { name: Ada }', { registry: own, force: true })
    assert.match(forced.logs.at(-1)!.text, /force: true/)
    const dry = await runYaml('!Greet { name: Ada }', { registry: own, dryRun: true })
    assert.deepEqual(dry.logs, [])
    assert.ok(dry.outcome.ok && dry.runnable)
  })

  test('gives secrets by section, whose keys have no case', async () => {
    const { logs } = await runYaml('!Greet { name: Ada }', {
      registry: own,
      secrets: { MAIL: { key: '100% ok' } },
    })
    assert.equal(logs.at(-1)?.text, '100% ok, force: false')
    const failed = await runYaml('!Greet { name: "" }', {
      registry: own,
      secrets: { A: { b: 'nobody is' } },
    })
    assert.ok(!JSON.stringify(failed.logs.filter(({ level }) => level === 'error')).includes('nobody is'))
  })

  test('gives secrets that were read, and those of a file', async () => {
    const file = join(folder, 'secrets.ini')
    writeFileSync(file, '[MAIL]\nKEY = of a file\n')
    const read = await runYaml('!Greet { name: Ada }', { registry: own, secrets: file })
    assert.equal(read.logs.at(-1)?.text, 'of a file, force: false')
    const secrets = secretsOf({ MAIL: { KEY: 'given' } })
    const given = await runYaml('!Greet { name: Ada }', { registry: own, secrets })
    assert.equal(given.logs.at(-1)?.text, 'given, force: false')
  })

  test('puts a class in the place of another by its tag', async () => {
    class Silent extends Greet {
      override async run() {
        return ''
      }
    }
    const options = { registry: own, classes: { '!Greet': Silent } } as const
    assert.deepEqual((await runYaml('!Greet { name: Ada }', options)).outcome, {
      ok: true,
      value: '',
      exitCode: 0,
    })
    assert.equal(own.get('!Greet')?.Class, Greet)
  })

  test('takes a module for an extension', async () => {
    const job = '# a job\n---\n!mine.Greet { name: Ada }\n'
    const { outcome } = await runYaml(job, { extensions: { mine: { Greet, other: 1 } } })
    assert.ok(outcome.ok)
    const { outcome: none } = await runYaml(job, { extensions: { mine: { other: 1 } } })
    assert.match(none.ok ? '' : none.error.message, /has no class to register/)
  })

  test('imports extensions as a file declares them, above a text with or without "---"', async () => {
    const url = import.meta.resolve('flambeau')
    writeFileSync(
      join(folder, 'package.json'),
      '{ "name": "mine", "type": "module", "main": "extension.js" }',
    )
    writeFileSync(
      join(folder, 'extension.js'),
      `import { Runnable, registrable } from '${url}'
       export class Job extends Runnable { run() { return Object.keys(this.extensions) } }
       registrable('!Job')(Job)`,
    )
    for (const job of ['!mine.Job', '--- !mine.Job', '# why\n---\n!mine.Job\n']) {
      const { outcome } = await runYaml(job, { extensions: { mine: folder } })
      assert.deepEqual(outcome, { ok: true, value: ['mine'], exitCode: 0 }, job)
    }
  })

  test('is a registry for what the run itself loads', async () => {
    class Nested extends Runnable {
      override run() {
        return load('!Greet { name: Ada }', { expect: Greet }).options.name
      }
    }
    const { outcome } = await runYaml('!Nested', { classes: { '!Greet': Greet, '!Nested': Nested } })
    assert.equal(outcome.ok && outcome.value, 'Ada')
  })
})

describe('MemoryLogger', () => {
  test('keeps the lines of an object that is run', async () => {
    const logger = new MemoryLogger()
    await new Greet({ name: 'Ada' }).run(runOptions({ logger }))
    assert.deepEqual(logger.lines[0], { level: 'info', text: 'greeting Ada' })
  })
})

describe('inlinePool', () => {
  test('does tasks in this process, and leaves nothing behind', async () => {
    const pool = await inlinePool({ registry: own })
    const results: unknown[] = []
    for await (const { result } of pool.map([new Greet({ name: 'Ada' })])) results.push(result)
    assert.deepEqual(results, ['Hello Ada'])
    const [outcome] = await all(pool.map([new Greet({ name: '' })], { onError: 'collect' }))
    assert.ok(outcome && !outcome.ok)
    const { file } = outcome.error
    assert.ok(file && existsSync(file))
    await pool.close()
    assert.equal(existsSync(file), false)
    assert.equal(existsSync(join(file, '../..')), false)
  })

  test('writes into a folder that it is given', async () => {
    const pool = await inlinePool({ registry: own, folder })
    await assert.rejects(all(pool.map([new Greet({ name: '' })], { taskId: () => 'nobody' })))
    await pool.close()
    assert.ok(existsSync(join(folder, 'failed/nobody.yaml')))
  })
})

@registrable('!Job', { registry: own })
class Job extends ClusterRunnable.with(
  z.strictObject({ data: z.string(), wait: z.boolean().default(false) }),
) {
  override async setup({ cluster, force }: SetupOptions): Promise<void> {
    const { cpus } = await cluster.getMaxResources()
    await cluster.runCommands([`make -j ${cpus}`])
    if (force) await cluster.removeDir('data')
    const { data } = await cluster.sendLocalContent({ data: this.options.data }, '', { allHosts: true })
    this.setSerializableAttr('data', data)
  }

  override async run({ logger, signal }: RunOptions): Promise<unknown> {
    const { options, env, userProvider, config, content } = this
    logger.info(`with ${options.data}`)
    if (options.wait) await delay(60_000, undefined, { signal })
    const secrets = { kept: config.has('HOME'), sent: config.get('AWS', 'KEY', { fallback: '' }) }
    return { factories: env?.factoriesIps, user: userProvider(), secrets, content }
  }
}

@registrable('!Look', { registry: own })
class Look extends Runnable {
  override run(): unknown {
    const { config } = this
    const region = ((): string => {
      try {
        return config.get('DEFAULT', 'region')
      } catch (error) {
        return (error as Error).message
      }
    })()
    return { sections: config.sections(), keys: config.keys('AWS'), region }
  }
}

describe('MemoryCluster', () => {
  own.add(RemoteEnvironment)
  const data = join(folder, 'data.csv')
  writeFileSync(data, '1,2\n')
  const there = '/home/user/.flambeau/clusters/memory/content/data/data.csv'

  test('notes what a setup does on which host', async () => {
    const resources = { cpus: 3, memory: 1e9, gpus: [] }
    const cluster = new MemoryCluster({ factories: 1, resources })
    const job = new Job({ data })
    await job.setupInjectEnv({ cluster, extensions: {}, force: false })
    const made = { kind: 'ran', argv: ['sh', '-c', 'make -j 3'] }
    const sent = { kind: 'sent', path: '.flambeau/clusters/memory/content/data', files: ['data.csv'] }
    assert.deepEqual(
      cluster.records,
      ['orchestrator', 'factory-1'].flatMap((host) => [
        { host, ...made },
        { host, ...sent },
      ]),
    )
    assert.equal(job.options.data, there)
    assert.deepEqual(job.env?.factoriesIps, ['factory-1'])
    assert.equal(cluster.factories[0]?.files.get(there)?.content.toString(), '1,2\n')
    assert.match(dump(job, { registry: own }), /^!Job\ndata: .*data.csv\nenv: !RemoteEnvironment\n/)
    assert.equal(await cluster.existingDir('data'), true)
  })

  test('runs setup commands once, and tells of one that fails', async () => {
    const commands = { setupCmds: ['install'] }
    const cluster = new MemoryCluster({ ...commands, factories: 0 })
    await cluster.up()
    await cluster.up()
    assert.deepEqual(cluster.records, [{ host: 'orchestrator', kind: 'ran', argv: ['sh', '-c', 'install'] }])
    const sh = async ({ printError }: { printError(text: string): Promise<void> }) => {
      await printError('not found')
      return 127
    }
    const broken = new MemoryCluster({ ...commands, factories: 0, programs: { sh } })
    await assert.rejects(broken.up(), /Command "install" on host "orchestrator" exited with 127:\nnot found/)
  })

  test('runs what is submitted, as it arrives', async () => {
    const cluster = new MemoryCluster({ registry: own, secrets: ['AWS'] })
    const job = load(`!Job\ndata: ${data} # of mine\n`, { registry: own, expect: Job })
    job.injectContent('as it was')
    job.userProvider = () => 'ada'
    await job.injectSecrets(secretsOf({ AWS: { KEY: 'abcd' }, HOME: { KEY: 'efgh' } }))
    const run = await cluster.submit(job, { registry: own })
    const { state, exitCode, value } = await run.wait()
    assert.deepEqual({ state, exitCode }, { state: 'succeeded', exitCode: 0 })
    assert.deepEqual(value, {
      factories: ['factory-1', 'factory-2'],
      user: 'ada',
      secrets: { kept: false, sent: 'abcd' },
      content: 'as it was',
    })
    assert.equal(await text(run.logs({ follow: true })), `with ${there}\n`)
    const started = cluster.records.find(({ kind }) => kind === 'started')
    assert.ok(started?.kind === 'started' && started.yaml.includes('# of mine'))
    assert.deepEqual(
      (await cluster.runs()).map(({ id }) => id),
      [run.id],
    )
  })

  test('sends of the secrets what may leave; DEFAULT is no section like any other', async () => {
    const secrets = await parseSecrets('[DEFAULT]\nregion = eu\n[AWS]\nKEY = a\n')
    const seen = async (allowed: readonly string[]) => {
      const cluster = new MemoryCluster({ registry: own, factories: 0, secrets: allowed })
      const look = new Look()
      await look.injectSecrets(secrets)
      return (await (await cluster.submit(look, { registry: own })).wait()).value
    }
    const aws = { sections: ['AWS'], keys: ['key'] }
    assert.deepEqual(await seen(['AWS', 'DEFAULT']), { ...aws, keys: ['key', 'region'], region: 'eu' })
    const region =
      'Section "[DEFAULT]" of "<secrets>" was not sent to this machine: add it to "secrets" in the cluster file: "secrets: [AWS, DEFAULT]"'
    assert.deepEqual(await seen(['AWS']), { ...aws, region })
  })

  test('has one run at a time, which can be cancelled and replaced', async () => {
    const cluster = new MemoryCluster({ registry: own, factories: 0 })
    const submit = (force: boolean) => cluster.submit(new Job({ data, wait: true }), { registry: own, force })
    const first = await submit(false)
    await assert.rejects(submit(false), { code: 'RUN_ACTIVE' })
    const second = await submit(true)
    assert.equal((await first.wait()).state, 'cancelled')
    assert.equal((await second.status()).state, 'running')
    assert.equal((await second.cancel()).exitCode, 130)
    await assert.rejects(cluster.attach('none').status(), { code: 'RUN_NOT_FOUND' })
  })

  test('queues runs, as a cluster does', async () => {
    const cluster = new MemoryCluster({ registry: own, factories: 0 })
    const submit = (wait: boolean, options: { queue?: boolean; force?: boolean }) =>
      cluster.submit(new Job({ data, wait }), { registry: own, ...options })
    const first = await submit(true, { queue: true })
    const [second, third] = [await submit(false, { queue: true }), await submit(false, { queue: true })]
    const facts = async () =>
      Promise.all(
        [first, second, third].map(async (run) => [
          (await run.status()).state,
          (await run.status()).waitsFor,
        ]),
      )
    assert.deepEqual(await facts(), [
      ['running', undefined],
      ['queued', first.id],
      ['queued', second.id],
    ])
    await assert.rejects(submit(false, {}), { code: 'RUN_ACTIVE', message: /add "--queue"/ })
    assert.equal((await second.cancel()).state, 'cancelled')
    const forced = await submit(false, { force: true })
    assert.equal((await third.wait()).state, 'succeeded')
    const started = cluster.records.flatMap((each) => (each.kind === 'started' ? [each.id] : []))
    assert.deepEqual(started, [first.id, forced.id, third.id])
  })

  test('tells the exit code of a run that fails', async () => {
    const cluster = new MemoryCluster({ registry: own })
    const run = await cluster.submit(new Greet({ name: '' }), { registry: own })
    const { state, exitCode } = await run.wait()
    assert.deepEqual({ state, exitCode }, { state: 'failed', exitCode: 1 })
    assert.match(await text(run.logs({ follow: true })), /nobody is there/)
  })

  test('has hosts that know the programs that they are given', async () => {
    const programs = {
      nproc: async ({ print }: { print(text: string): Promise<void> }) => print('4\n').then(() => 0),
    }
    const cluster = new MemoryCluster({ programs })
    assert.ok(cluster.orchestrator instanceof MemoryHost)
    assert.equal((await cluster.orchestrator.exec(['nproc'])).stdout.toString(), '4\n')
    await assert.rejects(cluster.orchestrator.exec(['nvcc']), { code: 'NO_PROGRAM' })
    await cluster.down()
  })

  test('leaves nothing on a signal that lives longer than a program', async () => {
    const { signal } = new AbortController()
    const host = new MemoryHost({
      programs: { true: () => 0, throws: () => Promise.reject(new Error('no')) },
    })
    await host.exec(['true'], { signal })
    await assert.rejects(host.exec(['throws'], { signal }), /^Error: no$/)
    assert.equal(getEventListeners(signal, 'abort').length, 0)
  })

  test('has hosts whose scripts fail as those of any other', async () => {
    const sh = async ({ printError }: { printError(text: string): Promise<void> }) => {
      await printError('bad\n')
      return 3
    }
    const failed = new MemoryHost({ programs: { sh } }).script('echo bad >&2; exit 3')
    await assert.rejects(failed, {
      code: 'SCRIPT_FAILED',
      message: 'A script on host "memory" exited with 3:\nbad',
    })
  })
})
