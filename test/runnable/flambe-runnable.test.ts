/**
 * What flambé's documentation says of runnables, clusters and environments, where it was once different here:
 * flambe/runnable and flambe/compile in asappresearch/flambe.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  type Builder,
  ClusterRunnable,
  check,
  DocumentError,
  dump,
  load,
  MappedRegistrable,
  type Node,
  Registrable,
  Registry,
  RemoteEnvironment,
  type Representer,
  Runnable,
  RunnableFileError,
  register,
  runFile,
  SafeExecutionContext,
  setSerializableAttr,
  type Tag,
  TagError,
  ValidationError,
} from 'flambeau'
import { LocalCluster, SSHCluster } from 'flambeau/cluster'
import { z } from 'zod'

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const environment = {
  key: 'k',
  orchestratorIp: '10.0.0.1',
  factoriesIps: ['10.0.0.2'],
  user: 'u',
  localUser: 'ada',
}

describe('the first parse', () => {
  const broken = [
    'a: [1, 2',
    '"open',
    'a: b: c',
    'a: 1\n  b: 2',
    '- 1\nb: 2',
    '{ a: 1',
    'a: *nowhere',
    'a: 1\na: 2',
    '\ta: 1',
    '%YAML 1.2\na: 1',
  ]
  for (const text of broken) {
    test(`refuses ${JSON.stringify(text)} below extensions, and imports none of them`, async () => {
      const context = new SafeExecutionContext({ content: `mine: ./nowhere\n---\n!Job\n${text}\n` })
      await assert.rejects(context.firstParse(), DocumentError)
      await assert.rejects(context.importExtensions({}), (error: Error) => {
        assert.doesNotMatch(error.message, /nowhere" (?:cannot|does)/)
        return error instanceof DocumentError && error.code !== 'EXTENSION_NOT_FOUND'
      })
    })
  }

  test('refuses broken syntax above "---", too', async () => {
    const context = new SafeExecutionContext({ content: 'mine: "./open\n---\n!Job\n' })
    await assert.rejects(context.firstParse(), DocumentError)
  })
})

describe('the parameters of the constructors of the base classes', () => {
  const Options = z.strictObject({ n: z.number().default(1) })
  class Checked extends ClusterRunnable.with(Options) {
    override setup() {}
    override run() {}
  }
  class Plain extends ClusterRunnable {
    constructor(readonly options: { n?: number; env?: RemoteEnvironment; userProvider?: () => string } = {}) {
      super(options)
    }
    override setup() {}
    override run() {}
  }
  class Telling extends Runnable {
    constructor(readonly name: { n: number }) {
      super({ userProvider: () => 'grace' })
    }
    override run() {}
  }
  const registry = new Registry()
  registry.add(RemoteEnvironment)
  registry.add(Checked, '!Checked')
  registry.add(Plain, '!Plain')
  const env = new RemoteEnvironment(environment)

  test('env and userProvider count for a class with a schema, and are no options', () => {
    const made = new Checked({ n: 2, env, userProvider: () => 'grace' })
    assert.equal(made.env, env)
    assert.equal(made.userProvider(), 'grace')
    assert.deepEqual(made.options, { n: 2 })
  })

  test('they count for a class without one', () => {
    const made = new Plain({ n: 2, env, userProvider: () => 'grace' })
    assert.equal(made.env, env)
    assert.equal(made.userProvider(), 'grace')
  })

  for (const Class of [Checked, Plain])
    test(`env is dumped, and userProvider is not (${Class.name})`, () => {
      const text = dump(new Class({ n: 2, env, userProvider: () => 'grace' }), { registry })
      assert.doesNotMatch(text, /userProvider/)
      const again = load(text, { registry, expect: Class })
      assert.deepEqual({ ...again.env }, { ...env })
      assert.equal(again.options.n, 2)
    })

  test('super({ userProvider }) counts', () => {
    assert.equal(new Telling({ n: 1 }).userProvider(), 'grace')
  })

  test('a null env is none', () => {
    const made = new Checked({ env: null })
    assert.equal(made.env, undefined)
    assert.equal(dump(made, { registry }), '!Checked {}\n')
  })

  test('an option of a class may be called userProvider when it is no function', () => {
    class Other extends Runnable.with(z.strictObject({ userProvider: z.string() })) {
      override run() {}
    }
    const own = new Registry()
    own.add(Other, '!Other')
    assert.equal(
      load('!Other { userProvider: x }', { registry: own, expect: Other }).options.userProvider,
      'x',
    )
  })
})

describe('the default user', () => {
  const script = `
    import { Runnable } from 'flambeau'
    class Job extends Runnable { run() {} }
    console.log(new Job().userProvider())`
  function user(env: NodeJS.ProcessEnv, uid?: number): string {
    const args = ['--input-type=module', '-e', script]
    const ids = uid === undefined ? {} : { uid, gid: uid }
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env, ...ids })
    return stdout.trim() || stderr
  }
  const names = ['LOGNAME', 'USER', 'LNAME', 'USERNAME']
  for (const [index, name] of names.entries())
    test(`is ${name}, then those after it`, () => {
      const env = Object.fromEntries(names.slice(index).map((each) => [each, `by-${each}`]))
      assert.equal(user(env), `by-${name}`)
    })

  test('an empty variable is none', () => {
    assert.equal(user({ LOGNAME: '', USER: 'ada' }), 'ada')
  })

  const isRoot = process.getuid?.() === 0
  test('is the number of a user without an account', { skip: !isRoot && 'needs root' }, () => {
    assert.equal(user({}, 54321), '54321')
  })
})

describe('what a class inherits', () => {
  class Parent {
    static make(options: object) {
      return new this({ made: true, ...options })
    }
    constructor(readonly options: Record<string, unknown> = {}) {}
  }
  class Child extends Parent {}
  const ways: Record<string, (registry: Registry, then: () => void) => void> = {
    'registry.add': (registry, then) => {
      registry.add(Parent, '!Parent', { factories: ['make'], keys: 'snake_case', templates: ['each'] })
      then()
    },
    register: (registry, then) => {
      register(Parent, '!Parent', { factories: ['make'], keys: 'snake_case', templates: ['each'], registry })
      then()
    },
    'registry.add after the subclass': (registry, then) => {
      then()
      registry.add(Parent, '!Parent', { factories: ['make'], keys: 'snake_case', templates: ['each'] })
    },
  }
  for (const [way, add] of Object.entries(ways))
    test(`factories, key style and templates, given by ${way}`, () => {
      const registry = new Registry()
      add(registry, () => registry.add(Child, '!Child'))
      const made = load(
        '!Child.make { learning_rate: 1, each: !Nowhere.known {} }'.replace('!Nowhere.known', '!Parent'),
        {
          registry,
          expect: Child,
        },
      )
      assert.equal(made.options['made'], true)
      const child = load('!Child { learning_rate: 1, each: !Parent {} }', { registry, expect: Child })
      assert.equal(child.options['learningRate'], 1)
      assert.equal(typeof (child.options['each'] as { build?: unknown }).build, 'function')
    })

  test('from a registry that its own sees', () => {
    const registry = new Registry()
    registry.add(Parent, '!Parent', { factories: ['make'] })
    const own = registry.child()
    own.add(Child, '!Child')
    assert.ok(load('!Child.make', { registry: own }) instanceof Child)
  })

  test('a class says otherwise of itself', () => {
    const registry = new Registry()
    registry.add(Parent, '!Parent', { keys: 'snake_case' })
    registry.add(Child, '!Child', { keys: 'as-written' })
    assert.deepEqual(load('!Child { a_b: 1 }', { registry, expect: Child }).options, { a_b: 1 })
  })
})

describe('injectSecrets twice', () => {
  class Job extends Runnable {
    override run() {}
  }
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-secrets-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  let files = 0
  function file(text: string): string {
    const path = join(folder, `${++files}.ini`)
    writeFileSync(path, text)
    return path
  }

  test('joins sections and keys; of a key in both, the later value counts', async () => {
    const job = new Job()
    await job.injectSecrets(file('[DEFAULT]\nhost = one\n[AWS]\nkey = 1\nurl = http://%(host)s/\n'))
    await job.injectSecrets(file('[DEFAULT]\nhost = two\n[AWS]\nKEY = 2\n[GIT]\ntoken = 3\n'))
    const { config } = job
    assert.deepEqual(config.sections(), ['AWS', 'GIT'])
    const read = (section: string, key: string) => config.get(section, key)
    assert.deepEqual(
      [read('AWS', 'key'), read('AWS', 'url'), read('GIT', 'token')],
      ['2', 'http://two/', '3'],
    )
  })

  test('of two dialects keeps what each value reads as', async () => {
    const job = new Job()
    await job.injectSecrets(file('[A]\nhost = h\nurl = http://%(host)s/100%%\n'))
    await job.injectSecrets(file('[A]\nUrl = 50%\n'), { dialect: 'ini' })
    assert.deepEqual([job.config.get('A', 'url'), job.config.get('A', 'Url')], ['http://h/100%', '50%'])
    await job.injectSecrets(file('[B]\nkey = 1\n'))
    assert.deepEqual([job.config.get('A', 'url'), job.config.get('B', 'KEY')], ['50%', '1'])
  })

  test('masks the values of both files', async () => {
    const job = new Job()
    await job.injectSecrets(file('[A]\nkey = hidden-one\n'))
    await job.injectSecrets(file('[B]\nkey = hidden-two\n'))
    assert.doesNotMatch(job.config.redact('hidden-one hidden-two'), /hidden/)
  })
})

describe('the steps of a context take the content', () => {
  class Job extends Runnable.with(z.strictObject({ n: z.number() })) {
    override run() {
      return this.options.n
    }
  }
  const registry = new Registry()
  registry.add(Job, '!Job')

  test('that of firstParse is that of the file', async () => {
    const context = new SafeExecutionContext({ content: '# a\n!Job { n: 1 }\n' }, { registry })
    const { content } = await context.firstParse()
    await context.checkTags(content)
    const runnable = await context.compileRunnable(content)
    assert.equal(runnable.content, content)
  })

  test('a content of its own is checked and constructed in place of the file', async () => {
    const context = new SafeExecutionContext({ content: '!Job { n: 1 }' }, { registry })
    await assert.rejects(context.checkTags('!Jib { n: 1 }'), TagError)
    await assert.rejects(context.compileRunnable('!Job { n: x }'), ValidationError)
    assert.equal(((await context.compileRunnable('!Job { n: 2 }')) as Job).options.n, 2)
    assert.equal(((await context.compileRunnable()) as Job).options.n, 1)
  })

  test('checkTags: false admits unknown tags in what is not constructed, and says of others what they need', async () => {
    class Many extends Runnable {
      constructor(readonly options: { each?: unknown; now?: unknown } = {}) {
        super(options)
      }
      override run() {}
    }
    const own = registry.child()
    own.add(Many, '!Many', { templates: ['each'] })
    const compile = (content: string) =>
      new SafeExecutionContext({ content }, { registry: own }).preprocess({ checkTags: false })
    await compile('!Many { each: !Nobody {} }')
    await assert.rejects(compile('!Many { now: !Nobody {} }'), (error) => {
      assert.ok(error instanceof TagError)
      assert.match(error.message, /Unknown tag "!Nobody".*register its class before loading/)
      assert.deepEqual(
        error.problems.map(({ line, column }) => [line, column]),
        [[1, 14]],
      )
      return true
    })
  })
})

describe('the hooks of the base classes, for super', () => {
  class Layer extends MappedRegistrable.with(z.strictObject({ size: z.number().default(1) })) {
    seen = ''
    static override fromYaml(builder: Builder, node: Node, factoryName?: string): Layer {
      const made: Layer = super.fromYaml(builder, node, factoryName)
      made.seen = factoryName ?? 'constructor'
      return made
    }
    static override toYaml(representer: Representer, value: Layer, tag: Tag): Node {
      return super.toYaml(representer, value, tag)
    }
    static big(options: object) {
      return new this({ size: 100, ...options })
    }
  }
  const registry = new Registry()
  registry.add(Layer, '!Layer', { factories: ['big'] })

  test('fromYaml constructs by the constructor, the schema and the factory', () => {
    const one = load('!Layer { size: 2 }', { registry, expect: Layer })
    assert.deepEqual([one.options, one.seen], [{ size: 2 }, 'constructor'])
    const big = load('!Layer.big {}', { registry, expect: Layer })
    assert.deepEqual([big.options, big.seen], [{ size: 100 }, 'big'])
    assert.throws(() => load('!Layer { size: x }', { registry }), ValidationError)
    assert.throws(() => load('!Layer [1]', { registry }), /takes options \("name: value"\)/)
  })

  test('toYaml represents what was loaded with its comments, and what was made by its options', () => {
    const text = '!Layer\n# how many\nsize: 2 # two\n'
    const layer = load(text, { registry, expect: Layer })
    assert.equal(dump(layer, { registry }), text)
    setSerializableAttr(layer, 'size', 3)
    assert.equal(dump(layer, { registry }), text.replace('size: 2', 'size: 3'))
    assert.equal(dump(new Layer({ size: 4 }), { registry }), '!Layer\nsize: 4\n')
  })

  test('a class that overrides none of them is loaded as ever, and checked before', () => {
    class Simple extends MappedRegistrable.with(z.strictObject({ a: z.number() })) {}
    class Words extends Registrable {}
    const own = new Registry()
    own.add(Simple, '!Simple')
    own.add(Words, '!Words')
    assert.equal(own.get('!Simple')?.definition.fromYaml, undefined)
    assert.deepEqual(
      check('!Simple { a: x }\n', { registry: own }).map(({ code }) => code),
      ['BAD_OPTION'],
    )
    assert.ok(load('!Words', { registry: own }) instanceof Words)
  })

  test('RemoteEnvironment has them', () => {
    class Tagged extends RemoteEnvironment {
      static override fromYaml(builder: Builder, node: Node, factoryName?: string): Tagged {
        return super.fromYaml(builder, node, factoryName)
      }
      static override toYaml(representer: Representer, value: Tagged, tag: Tag) {
        return super.toYaml(representer, value, tag)
      }
    }
    const own = new Registry()
    own.add(Tagged, '!Tagged', { keys: 'snake_case' })
    const text = dump(new Tagged(environment), { registry: own })
    assert.match(text, /orchestrator_ip: 10\.0\.0\.1/)
    assert.deepEqual({ ...load(text, { registry: own, expect: Tagged }) }, { ...new Tagged(environment) })
  })
})

describe('types of a RemoteEnvironment', () => {
  const wrong: [object, RegExp][] = [
    [{ factoriesIps: 'abc' }, /option "factories_ips" must be a list of strings, but is the string "abc"/],
    [{ factoriesIps: ['a', 1] }, /"factories_ips" must be a list of strings, but item 2 is the number 1/],
    [{ key: 1 }, /option "key" must be a string, but is the number 1/],
    [{ publicFactoriesIps: 'x' }, /"public_factories_ips" must be a list of strings/],
    [{ publicOrchestratorIp: ['x'] }, /"public_orchestrator_ip" must be a string, but is a list/],
  ]
  for (const [options, message] of wrong)
    test(`refuses ${JSON.stringify(options)}`, () => {
      assert.throws(() => new RemoteEnvironment({ ...environment, ...options }), message)
    })
})

describe('errors', () => {
  class Job extends Runnable.with(z.strictObject({ n: z.number(), child: z.unknown() })) {
    override run() {}
  }
  const registry = new Registry()
  registry.add(Job, '!Job')

  test('an error with an unknown tag among its problems is caught as TagError and as ValidationError', () => {
    assert.throws(
      () => load('!Job { n: x, child: !Nobody {} }', { registry }),
      (error: Error) => {
        assert.ok(error instanceof TagError && error instanceof ValidationError)
        assert.equal(error.name, 'DocumentError')
        return true
      },
    )
    assert.throws(() => load('!Nobody {}', { registry }), RunnableFileError)
    assert.throws(
      () => load('!Job { n: x }', { registry }),
      (error) => !(error instanceof TagError),
    )
  })

  test('a subclass of TagError has its own objects only', () => {
    class Own extends TagError {}
    assert.throws(
      () => load('!Nobody {}', { registry }),
      (error) => !(error instanceof Own),
    )
    assert.ok(new Own('x') instanceof TagError)
  })

  test('a class without "setup" is told so', async () => {
    // @ts-expect-error the compiler says so first; JavaScript has nobody who does
    class Bare extends ClusterRunnable {
      override run() {}
    }
    const job = new Bare()
    await assert.rejects(job.setupInjectEnv({} as never), {
      code: 'NO_SETUP',
      message: /Class "Bare" .*write "async setup\(\{ cluster \}\) \{\}" in it/,
    })
  })
})

describe('files of flambé', () => {
  for (const nothing of ['~', 'null', 'Null', 'NULL', ''])
    test(`"!Job ${nothing}" has no options`, async () => {
      class Job extends Runnable.with(z.strictObject({ n: z.number().default(7) })) {
        override run() {
          return this.options.n
        }
      }
      const registry = new Registry()
      registry.add(Job, '!Job')
      const content = `!Job ${nothing}\n`
      assert.deepEqual(check(content, { registry }), [])
      assert.equal((await runFile({ content }, { registry, logger })).ok, true)
      const job = load(content, { registry, expect: Job })
      assert.equal(dump(job, { registry }), content)
      setSerializableAttr(job, 'n', 8)
      assert.equal(load(dump(job, { registry }), { registry, expect: Job }).options.n, 8)
    })

  test('a quoted "null" is a text, and refused', () => {
    const registry = new Registry()
    registry.add(class Job extends MappedRegistrable {}, '!Job')
    assert.equal(check('!Job "null"', { registry })[0]?.code, 'EXPECTED_MAPPING')
  })

  test('setup_cmds: null and remote_context: null load', () => {
    const ssh =
      '!SSHCluster { name: a, orchestrator_ip: b, factories_ips: [], setup_cmds: ~, secrets: null, remote_context: ~ }'
    assert.ok(load(ssh) instanceof SSHCluster)
    assert.ok(load('!LocalCluster { name: a, setup_cmds: null }') instanceof LocalCluster)
    const [problem] = check(ssh.replace('remote_context: ~', 'remote_context: x'))
    assert.match(problem?.message ?? '', /remote_context.*has no counterpart in flambeau: remove it/)
  })

  test('!AWSCluster says what to write in its place', () => {
    assert.match(
      check('!AWSCluster { name: a }')[0]?.message ?? '',
      /list their addresses in an "!SSHCluster"/,
    )
  })
})
