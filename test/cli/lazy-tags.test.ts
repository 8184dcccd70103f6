import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ExtensionLab } from '../support/extension-lab.js'

const program = `
  import { registrable, Runnable } from 'flambeau'
  export class Train extends Runnable {
    constructor(options = {}) { super(); this.options = options }
    run() { return { loss: 1 } }
  }
  registrable('!Train')(Train)
`

let lab: ExtensionLab
before(() => {
  lab = new ExtensionLab()
  lab.link('.')
  lab.write('.', { 'package.json': '{ "type": "module" }', 'train.js': program, 'train.yaml': '!Train {}\n' })
})
after(() => lab.remove())

const imports = ['--import', './train.js']

/** What a module prints that the command imports. */
async function imported(body: string): Promise<unknown> {
  lab.write('.', { 'printing.js': body })
  const { code, stdout, stderr } = await lab.flambeau([
    'check',
    'train.yaml',
    ...imports,
    '--import',
    './printing.js',
  ])
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout.split('\n')[0]!)
}

const sweep = (each: string) => `!Sweep\neach: !Train\n  rate: ${each}\nmetric: loss\n`

describe('the tags of this package on the command line', () => {
  test('are those that its entry points register, with their classes', async () => {
    const taken = `
      const taken = (tag) => {
        try { registrable(tag)(class Other {}) } catch ({ message }) { return message }
      }`
    const [before, after] = (await imported(`
      import { defaultRegistry, registrable } from 'flambeau'
      ${taken}
      const messages = () => defaultRegistry.tags().map((tag) => [tag, taken(tag)])
      const before = messages()
      for (const entry of ['flambeau/cluster', 'flambeau/pool']) await import(entry)
      console.log(JSON.stringify([before, messages()]))
    `)) as [string[][], string[][]]
    assert.ok(before.some(([tag]) => tag === '!Sweep'))
    assert.deepEqual(before, after)
    const { stdout } = await lab.flambeau(['tags', ...imports, '--json'])
    assert.deepEqual(
      before.map(([tag]) => tag),
      JSON.parse(stdout).map(({ tag }: { tag: string }) => tag),
    )
  })

  test('are named where an object of a class of this package is expected', async () => {
    const classes =
      'Checked Cluster ClusterRunnable Runnable Parameter MappedRegistrable Registrable Sweep Tpe'
    const [before, after] = (await imported(`
      import { check, registrable } from 'flambeau'
      const expecting = (...expected) => {
        const errors = expected.map((each) => [{ message: 'no', expected: each, path: [] }])
        const issues = [{ code: 'invalid_union', message: 'no', errors, path: ['a'] }]
        return { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } }
      }
      const names = '${classes}'.split(' ')
      for (const name of names) registrable('!Of' + name, { schema: expecting('string', name) })(class { constructor(options) {} })
      const messages = () => names.map((name) => check('!Of' + name + ' { a: 1 }')[0].message)
      const before = messages()
      for (const entry of ['flambeau/cluster', 'flambeau/pool']) await import(entry)
      console.log(JSON.stringify([before, messages()]))
    `)) as [string[], string[]]
    assert.match(before.join(), /"!SSHCluster"/)
    assert.deepEqual(before, after)
  })

  test('are suggested for one that is misspelt', async () => {
    for (const [wrong, right] of [
      ['!Swep', '!Sweep'],
      ['!SSHClutser', '!SSHCluster'],
      ['!RemoteEnviroment', '!RemoteEnvironment'],
    ]) {
      lab.write('.', { 'wrong.yaml': `${wrong} {}\n` })
      for (const command of ['check', 'run']) {
        const { code, stdout, stderr } = await lab.flambeau([command, 'wrong.yaml'])
        assert.equal(code, 22)
        assert.match(stdout + stderr, new RegExp(`Unknown tag "${wrong}": did you mean "${right}"\\?`))
      }
    }
    lab.write('.', { 'wrong.yaml': sweep('!chioce [1, 2]') })
    const { stdout } = await lab.flambeau(['check', 'wrong.yaml', ...imports])
    assert.match(stdout, /Unknown tag "!chioce": did you mean "!choice"\?/)
  })

  test('can be named in overrides, included and extended files', async () => {
    lab.write('.', {
      'sweep.yaml': sweep('!choice [1, 2]'),
      'fast.yaml': '!extends\nfile: sweep.yaml\nset:\n  each.rate: !range { from: 1, to: 3, step: 1 }\n',
      'whole.yaml': '!include sweep.yaml\n',
    })
    const trials = async (...args: string[]) => {
      const { code, stderr } = await lab.flambeau(['run', ...args, ...imports, '--dry-run'])
      assert.equal(code, 0, stderr)
      return /(\d+) trials/.exec(stderr)?.[1]
    }
    assert.equal(await trials('sweep.yaml'), '2')
    assert.equal(await trials('fast.yaml'), '3')
    assert.equal(await trials('whole.yaml'), '2')
    assert.equal(await trials('sweep.yaml', 'each.rate=!choice [1, 2, 3, 4]'), '4')
    const plain = await lab.flambeau(['check', 'train.yaml', 'rate=!Sweep {}', ...imports])
    assert.match(plain.stdout, /<argument 1>:1:/)
    assert.doesNotMatch(plain.stdout, /Unknown tag/)
  })

  test('are named where one was written as a key', async () => {
    lab.write('.', { 'key.yaml': 'Sweep:\n  each: 1\n' })
    assert.match((await lab.flambeau(['check', 'key.yaml'])).stdout, /"Sweep" is a key here, not a tag/)
  })
})

describe('modules of the user', () => {
  test('see the tags as if they were imported, at once', async () => {
    const found = await imported(`
      import { defaultRegistry, load } from 'flambeau'
      const Class = defaultRegistry.get('!SSHCluster')?.Class.name
      const value = load('!choice [1, 2]').constructor.name
      console.log(JSON.stringify([Class, value, defaultRegistry.has('!Tpe'), defaultRegistry.child().get('!Sweep').tag]))
    `)
    assert.deepEqual(found, ['SSHCluster', 'Choice', true, '!Sweep'])
  })

  test('may import an entry point themselves, before or after they name its tags', async () => {
    const found = await imported(`
      import { defaultRegistry } from 'flambeau'
      import { Sweep } from 'flambeau/pool'
      const before = defaultRegistry.get('!Sweep').Class === Sweep
      const environment = defaultRegistry.get('!LocalCluster').Class
      const { LocalCluster } = await import('flambeau/cluster')
      console.log(JSON.stringify([before, environment === LocalCluster, defaultRegistry.tagOf(Sweep)]))
    `)
    assert.deepEqual(found, [true, true, '!Sweep'])
  })

  test('cannot take a tag of this package, unless they override it', async () => {
    lab.write('.', {
      'taking.js': `
        import { registrable, Runnable } from 'flambeau'
        registrable('!Sweep')(class Sweep extends Runnable { run() {} })
      `,
      'overriding.js': `
        import { registrable, Runnable } from 'flambeau'
        class Sweep extends Runnable { run() { return 'mine' } }
        registrable('!Sweep', { override: true })(Sweep)
      `,
      'mine.yaml': '!Sweep {}\n',
      'pool.js': "import 'flambeau/pool'\n",
    })
    const taken = await lab.flambeau(['run', 'mine.yaml', '--import', './taking.js'])
    assert.match(taken.stderr, /"!Sweep" is already the tag of class "Sweep", so class "Sweep" cannot use it/)
    for (const others of [[], ['--import', './pool.js']]) {
      const args = ['run', 'mine.yaml', '--import', './overriding.js', ...others]
      const { code, stdout, stderr } = await lab.flambeau(args)
      assert.equal(code, 0, stderr)
      assert.equal(stdout, 'mine\n')
    }
  })

  test('can remove a tag', async () => {
    const found = await imported(`
      import { defaultRegistry } from 'flambeau'
      const removed = [defaultRegistry.remove('!Sweep'), defaultRegistry.remove('!Sweep')]
      await import('flambeau/pool')
      console.log(JSON.stringify([removed, defaultRegistry.has('!Sweep'), defaultRegistry.tags().includes('!Sweep')]))
    `)
    assert.deepEqual(found, [[true, false], false, false])
  })
})

describe('the library', () => {
  test('says which entry point registers a tag', async () => {
    const script = `
      import { check } from 'flambeau'
      for (const tag of ['!SSHCluster', '!Asha']) console.log(check(tag + ' {}')[0].message)
    `
    const { stdout } = await lab.run(process.execPath, ['--input-type=module', '-e', script])
    assert.deepEqual(stdout.trim().split('\n'), [
      'Unknown tag "!SSHCluster": import "flambeau/cluster", which registers it',
      'Unknown tag "!Asha": import "flambeau/pool", which registers it',
    ])
  })
})
