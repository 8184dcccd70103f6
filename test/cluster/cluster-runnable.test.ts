import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Builder,
  type ClusterAccess,
  ClusterRunnable,
  ConstructionError,
  check,
  dump,
  factory,
  load,
  type Node,
  Registry,
  RemoteEnvironment,
  type RunOptions,
  registrable,
  runFile,
  runOptions,
  type SetupOptions,
  type UserProvider,
} from 'flambeau'
import { z } from 'zod'

const registry = new Registry()
registry.add(RemoteEnvironment)

const options = {
  key: '/home/ubuntu/.ssh/cluster',
  orchestratorIp: '10.0.0.1',
  factoriesIps: ['10.0.0.2', '10.0.0.3'],
  user: 'ubuntu',
  localUser: 'ada',
}

/** A cluster of this test's own, which remembers what it was asked. */
class TestCluster implements Pick<ClusterAccess, 'getRemoteEnv'> {
  readonly asked: string[] = []

  async getRemoteEnv(userProvider: UserProvider): Promise<RemoteEnvironment> {
    this.asked.push('getRemoteEnv')
    return new RemoteEnvironment({ ...options, localUser: userProvider() })
  }
}

const JobOptions = z.strictObject({ data: z.string(), rate: z.number().default(0.1) })

@registrable('!Job', { registry })
class Job extends ClusterRunnable.with(JobOptions) {
  static received: unknown[] = []
  readonly envInConstructor: unknown

  constructor(given: z.input<typeof JobOptions>) {
    super(given)
    Job.received.push(given)
    this.envInConstructor = this.env
  }

  override async setup({ cluster }: SetupOptions) {
    ;(cluster as unknown as TestCluster).asked.push(`setup for ${this.options.data}`)
  }

  override run(_: RunOptions) {
    return this.env ? `on ${this.env.orchestratorIp}` : 'here'
  }
}

@registrable('!Bare', { registry })
class Bare extends ClusterRunnable<string> {
  static setting: (bare: Bare, options: SetupOptions) => void | Promise<void> = () => undefined

  constructor(readonly options: { data?: string; parts?: string[] } = {}) {
    super(options)
  }

  @factory static named(options: { name: string }) {
    return new this({ data: `data of ${options.name}` })
  }

  override setup(options: SetupOptions) {
    return Bare.setting(this, options)
  }

  override run() {
    return 'done'
  }
}

function setupOptions(cluster: Pick<ClusterAccess, 'getRemoteEnv'> = new TestCluster()): SetupOptions {
  return { cluster: cluster as ClusterAccess, extensions: { mine: './mine' }, force: true }
}

const withEnv = `!Job
data: iris.csv # the flowers
env: !RemoteEnvironment
  key: /home/ubuntu/.ssh/cluster
  orchestrator_ip: 10.0.0.1
  factories_ips:
    - 10.0.0.2
    - 10.0.0.3
  public_orchestrator_ip: null
  public_factories_ips: null
  user: ubuntu
  local_user: ada
`

describe('a cluster runnable without a cluster', () => {
  test('is loaded, dumped and run as any other', async () => {
    const text = '# why\n!Job { data: iris.csv }\n'
    const job = load(text, { registry, expect: Job })
    assert.equal(job.env, undefined)
    assert.equal(dump(job, { registry }), text)
    assert.equal(await job.run(runOptions()), 'here')
  })

  test('is run from a file', async () => {
    const outcome = await runFile({ content: '!Job { data: iris.csv }' }, { registry })
    assert.deepEqual(outcome, { ok: true, value: 'here', exitCode: 0 })
  })

  test('writes nothing of an environment', () => {
    assert.equal(dump(new Job({ data: 'a' }), { registry }), '!Job\ndata: a\n')
    assert.deepEqual(JSON.parse(JSON.stringify(new Bare({ data: 'a' }))), { options: { data: 'a' } })
  })
})

describe('the environment', () => {
  test('is given by the loader, and is no option of the schema or the constructor', () => {
    Job.received = []
    const job = load(withEnv, { registry, expect: Job })
    assert.ok(job.env instanceof RemoteEnvironment)
    assert.deepEqual(job.env.factoriesIps, ['10.0.0.2', '10.0.0.3'])
    assert.deepEqual(job.options, { data: 'iris.csv', rate: 0.1 })
    assert.equal(job.envInConstructor, undefined)
    assert.deepEqual(Job.received, [{ data: 'iris.csv', rate: 0.1 }])
  })

  test('is no unknown option to check', () => {
    assert.deepEqual(check(withEnv, { registry }), [])
    const [problem] = check(withEnv.replace('env:', 'environment:'), { registry })
    assert.equal(problem?.line, 3)
  })

  test('is no option of a class without a schema, either', () => {
    const bare = load(withEnv.replace('!Job', '!Bare'), { registry, expect: Bare })
    assert.ok(bare.env instanceof RemoteEnvironment)
    assert.deepEqual(bare.options, { data: 'iris.csv' })
  })

  test('is given to what a factory makes, which does not see it', () => {
    const text = withEnv.replace('!Job', '!Bare.named').replace('data:', 'name:')
    const bare = load(text, { registry, expect: Bare })
    assert.equal(bare.env?.user, 'ubuntu')
    assert.deepEqual(bare.options, { data: 'data of iris.csv' })
    assert.equal(dump(bare, { registry }), text)
  })

  test('that is null is none', () => {
    const job = load('!Job { data: a, env: null }', { registry, expect: Job })
    assert.equal(job.env, undefined)
  })

  test('is written back as it was read, comments included', () => {
    assert.equal(dump(load(withEnv, { registry }), { registry }), withEnv)
  })

  test('is there in parse and in run', async () => {
    const own = new Registry()
    own.add(RemoteEnvironment)
    const seen: unknown[] = []
    @registrable('!Seeing', { registry: own })
    class Seeing extends ClusterRunnable {
      override setup() {}
      override parse() {
        seen.push(this.env?.user)
      }
      override run() {
        seen.push(this.env?.orchestratorIp)
      }
    }
    assert.equal(own.tagOf(Seeing), '!Seeing')
    const content = withEnv.replace('!Job', '!Seeing')
    assert.equal((await runFile({ content }, { registry: own })).ok, true)
    assert.deepEqual(seen, ['ubuntu', '10.0.0.1'])
  })

  test('of a mistake is reported with all others', () => {
    const text = '!Job\ndata: 1\nenv: !RemoteEnvironmnt\n  key: k\n'
    assert.deepEqual(
      check(text, { registry }).map(({ code, line }) => [code, line]),
      [
        ['BAD_OPTION', 2],
        ['UNKNOWN_TAG', 3],
      ],
    )
  })

  test('is an option like any other to a class that is no cluster runnable', () => {
    const own = new Registry()
    class Model {
      constructor(readonly options: { env?: string } = {}) {}
    }
    own.add(Model, '!Model')
    assert.deepEqual(load('!Model { env: test }', { registry: own, expect: Model }).options, { env: 'test' })
  })
})

describe('setupInjectEnv', () => {
  test('calls setup, then asks the cluster', async () => {
    const cluster = new TestCluster()
    await new Job({ data: 'a' }).setupInjectEnv(setupOptions(cluster))
    assert.deepEqual(cluster.asked, ['setup for a', 'getRemoteEnv'])
  })

  test('gives setup what it was given', async () => {
    const given: SetupOptions[] = []
    Bare.setting = (_, options) => void given.push(options)
    const options = setupOptions()
    await new Bare().setupInjectEnv(options)
    assert.equal(given[0]?.cluster, options.cluster)
    assert.deepEqual(given[0]?.extensions, { mine: './mine' })
    assert.equal(given[0]?.force, true)
  })

  test('tells the cluster who runs it', async () => {
    const job = new Job({ data: 'a' })
    job.userProvider = () => 'grace'
    await job.setupInjectEnv(setupOptions())
    assert.equal(job.env?.localUser, 'grace')
  })

  test('takes an environment that is there at once', async () => {
    Bare.setting = () => undefined
    const environment = new RemoteEnvironment(options)
    const bare = new Bare()
    await bare.setupInjectEnv(setupOptions({ getRemoteEnv: () => environment }))
    assert.equal(bare.env, environment)
  })

  test('leaves no environment when setup fails', async () => {
    Bare.setting = async () => {
      throw new Error('no space left')
    }
    const bare = new Bare()
    const cluster = new TestCluster()
    await assert.rejects(bare.setupInjectEnv(setupOptions(cluster)), /no space left/)
    assert.equal(bare.env, undefined)
    assert.deepEqual(cluster.asked, [])
    assert.equal(dump(bare, { registry }), '!Bare {}\n')
  })

  test('makes the environment part of what travels, from code', async () => {
    const job = new Job({ data: 'iris.csv' })
    job.userProvider = () => 'ada'
    await job.setupInjectEnv(setupOptions())
    assert.equal(dump(job, { registry }), withEnv.replace(' # the flowers', ''))
  })

  test('makes the environment part of what travels, from a file', async () => {
    const job = load('# why\n!Job\ndata: iris.csv # the flowers\n', { registry, expect: Job })
    job.userProvider = () => 'ada'
    await job.setupInjectEnv(setupOptions())
    assert.equal(dump(job, { registry }), `# why\n${withEnv}`)
  })

  test('the environment travels there and back', async () => {
    const job = new Job({ data: 'iris.csv', rate: 0.5 })
    await job.setupInjectEnv(setupOptions())
    const text = dump(job, { registry })
    const arrived = load(text, { registry, expect: Job })
    assert.deepEqual(arrived.env, job.env)
    assert.deepEqual(arrived.options, job.options)
    assert.equal(arrived.run(runOptions()), 'on 10.0.0.1')
    assert.equal(dump(arrived, { registry }), text)
  })

  test('of what has an environment gives it the new one', async () => {
    const job = load(withEnv, { registry, expect: Job })
    job.userProvider = () => 'grace'
    await job.setupInjectEnv(setupOptions())
    const text = dump(job, { registry })
    assert.equal(text.match(/env:/g)?.length, 1)
    assert.equal(load(text, { registry, expect: Job }).env?.localUser, 'grace')
  })

  test('what setup sets travels, too', async () => {
    Bare.setting = (bare) => bare.setSerializableAttr('data', '/remote/iris.csv')
    const bare = load('!Bare { data: iris.csv }', { registry, expect: Bare })
    await bare.setupInjectEnv(setupOptions())
    const arrived = load(dump(bare, { registry }), { registry, expect: Bare })
    assert.equal(arrived.options.data, '/remote/iris.csv')
    assert.deepEqual(arrived.env, bare.env)
  })
})

describe('setSerializableAttr', () => {
  test('sets the attribute, and the option of that name', () => {
    const bare = new Bare({ data: 'a', parts: ['x'] })
    bare.setSerializableAttr('data', 'b')
    assert.equal((bare as unknown as { data: string }).data, 'b')
    assert.deepEqual(bare.options, { data: 'b', parts: ['x'] })
  })

  test('makes no option of what is none', () => {
    const bare = new Bare({ data: 'a' })
    bare.setSerializableAttr('parts', ['x'])
    assert.deepEqual((bare as unknown as { parts: string[] }).parts, ['x'])
    assert.deepEqual(bare.options, { data: 'a' })
  })

  test('leaves the options object of the caller as it is', () => {
    const given = { data: 'a' }
    new Bare(given).setSerializableAttr('data', 'b')
    assert.deepEqual(given, { data: 'a' })
  })

  test('is part of every dump after it, of what was made in code', () => {
    const bare = new Bare({ data: 'a' })
    assert.equal(dump(bare, { registry }), '!Bare\ndata: a\n')
    bare.setSerializableAttr('data', 'b')
    bare.setSerializableAttr('parts', ['x', 'y'])
    assert.equal(dump(bare, { registry }), '!Bare\ndata: b\nparts:\n  - x\n  - y\n')
    bare.setSerializableAttr('parts', [])
    assert.equal(dump(bare, { registry }), '!Bare\ndata: b\nparts: []\n')
  })

  test('is part of every dump after it, of what was loaded: the rest stays as it was', () => {
    const bare = load('# top\n!Bare\ndata: "a" # why\nparts: [x] # two\n', { registry, expect: Bare })
    bare.setSerializableAttr('data', 'b')
    const text = dump(bare, { registry })
    assert.match(text, /^# top\n!Bare\ndata: "?b"? # why\nparts: \[x\] # two\n$/)
    assert.deepEqual(load(text, { registry, expect: Bare }).options, { data: 'b', parts: ['x'] })
  })

  test('is read as an option by who loads the dump', () => {
    const bare = new Bare()
    bare.setSerializableAttr('parts', ['x'])
    assert.deepEqual(load(dump(bare, { registry }), { registry, expect: Bare }).options, { parts: ['x'] })
  })

  test('is no part of the dump of another', () => {
    const [one, other] = [new Bare({ data: 'a' }), new Bare({ data: 'a' })]
    one.setSerializableAttr('data', 'b')
    assert.equal(dump(other, { registry }), '!Bare\ndata: a\n')
  })

  test('may be set to an object of a registered class', () => {
    const bare = new Bare()
    bare.setSerializableAttr('env', new RemoteEnvironment(options))
    assert.match(dump(bare, { registry }), /^!Bare\nenv: !RemoteEnvironment\n {2}key: /)
  })

  test('is spelt as the class spells its keys', () => {
    const own = new Registry()
    @registrable('!Snake', { registry: own, keys: 'snake_case' })
    class Snake extends ClusterRunnable {
      constructor(readonly options: { learningRate?: number } = {}) {
        super(options)
      }
      override setup() {}
      override run() {}
    }
    const snake = load('!Snake { learning_rate: 1 }', { registry: own, expect: Snake })
    snake.setSerializableAttr('learningRate', 2)
    assert.equal(snake.options.learningRate, 2)
    assert.equal(dump(snake, { registry: own }), '!Snake { learning_rate: 2 }\n')
  })

  test('is not changed by setting the property itself', () => {
    const bare = load('!Bare { data: a }\n', { registry, expect: Bare })
    Object.assign(bare, { data: 'b' })
    assert.equal(dump(bare, { registry }), '!Bare { data: a }\n')
  })
})

describe('RemoteEnvironment', () => {
  const written = `!RemoteEnvironment
key: /home/ubuntu/.ssh/cluster
orchestrator_ip: 10.0.0.1
factories_ips:
  - 10.0.0.2
  - 10.0.0.3
public_orchestrator_ip: null
public_factories_ips: null
user: ubuntu
local_user: ada
`

  test('needs no registration', () => {
    assert.ok(load(written) instanceof RemoteEnvironment)
    assert.match(dump(new RemoteEnvironment(options)), /^!RemoteEnvironment\n/)
  })

  test('is written with the keys of flambé, in its order, absent public ones as null', () => {
    assert.equal(dump(new RemoteEnvironment(options)), written)
  })

  test('is written with public addresses where it has them', () => {
    const environment = new RemoteEnvironment({
      ...options,
      publicOrchestratorIp: '1.2.3.4',
      publicFactoriesIps: ['5.6.7.8'],
    })
    const text = dump(environment)
    assert.match(text, /\npublic_orchestrator_ip: 1\.2\.3\.4\npublic_factories_ips:\n {2}- 5\.6\.7\.8\nuser:/)
    assert.deepEqual(load(text, { expect: RemoteEnvironment }), environment)
  })

  test('knows no public addresses where there are none', () => {
    const environment = load(written, { expect: RemoteEnvironment })
    assert.equal(environment.publicOrchestratorIp, undefined)
    assert.equal(environment.publicFactoriesIps, undefined)
    assert.deepEqual(environment, new RemoteEnvironment(options))
  })

  test('written and loaded again is the same, to the byte', () => {
    assert.equal(dump(load(written)), written)
  })

  // As ruamel.yaml writes what `to_yaml` of flambe/runnable/environment.py represents.
  const byFlambe = `!RemoteEnvironment
key: /home/ubuntu/.ssh/cluster
orchestrator_ip: 10.0.0.1
factories_ips:
- 10.0.0.2
- 10.0.0.3
public_orchestrator_ip:
public_factories_ips:
user: ubuntu
local_user: ada
`

  test('is read as flambé writes it', () => {
    const environment = load(byFlambe, { expect: RemoteEnvironment })
    assert.deepEqual(environment, new RemoteEnvironment(options))
    assert.deepEqual(load(dump(environment)), environment)
  })

  test('is read with keys that flambé would take and forget', () => {
    const environment = load(`${byFlambe}aws_region: eu\ntags: [a, b]\nnested: { a: { b: 1 } }\n`, {
      expect: RemoteEnvironment,
    })
    assert.deepEqual(environment, new RemoteEnvironment(options))
    assert.doesNotMatch(dump(environment), /aws_region|tags|nested/)
  })

  test('is read without the public keys, which flambé need not have', () => {
    const text = byFlambe.replace(/public_.*\n/g, '')
    assert.deepEqual(load(text), new RemoteEnvironment(options))
  })

  test('may have no factories', () => {
    const environment = new RemoteEnvironment({ ...options, factoriesIps: [] })
    assert.deepEqual(load(dump(environment)), environment)
  })

  for (const key of ['key', 'orchestrator_ip', 'factories_ips', 'user', 'local_user'])
    test(`without "${key}" is an error that points at its node and names it`, () => {
      const text = written.replace(new RegExp(`\\n${key}:.*(?:\\n {2}- .*)*`), '')
      const nested = `a: 1\nenv:\n  ${text.replaceAll('\n', '\n  ').trimEnd()}\n`
      assert.throws(
        () => load(nested.replace('env:\n  ', 'env: '), { filename: 'env.yaml' }),
        (error) => {
          assert.ok(error instanceof ConstructionError)
          const { file, line, column } = error.problems[0]!
          assert.deepEqual({ file, line, column }, { file: 'env.yaml', line: 2, column: 6 })
          assert.match(
            error.message.replace(/[A-Z]/g, '_$&').toLowerCase(),
            new RegExp(`"${key}" is missing`),
          )
          return true
        },
      )
    })

  test('of another class of that name in another registry is not in the way', () => {
    const own = new Registry()
    @registrable('!RemoteEnvironment', { registry: own })
    class Other {
      constructor(readonly text: string) {}
      static fromYaml(builder: Builder, node: Node) {
        return new Other(builder.constructScalar(node))
      }
    }
    assert.ok(load('!RemoteEnvironment x', { registry: own }) instanceof Other)
    assert.ok(load(written) instanceof RemoteEnvironment)
  })
})
