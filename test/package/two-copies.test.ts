import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { version } from 'flambeau'

const root = process.cwd()
const execute = promisify(execFile)

const folder = mkdtempSync(join(tmpdir(), 'flambeau-copies-'))
after(() => rmSync(folder, { recursive: true, force: true }))

type Patch = [pattern: RegExp, replacement: string]

/** A copy of the built package, with every text of its JavaScript patched; each patch must find its place. */
function copyOf(name: string, ...patches: Patch[]): void {
  const copy = join(folder, 'node_modules', name)
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true })
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(copy, 'package.json'), JSON.stringify({ ...manifest, name }))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  for (const patch of patches)
    assert.ok(patched(join(copy, 'dist'), patch) > 0, `nothing matches ${patch[0]}`)
}

function patched(dist: string, [pattern, replacement]: Patch): number {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.js'),
  )
  const matching = files.filter((file) => pattern.test(readFileSync(join(dist, file), 'utf8')))
  for (const file of matching) {
    const text = readFileSync(join(dist, file), 'utf8')
    writeFileSync(join(dist, file), text.replace(pattern, replacement))
  }
  return matching.length
}

const withVersion = (version: string): Patch => [/\bversion = '[^']*'/, `version = '${version}'`]
const withFormat = (format: number): Patch => [/\bconst format = \d+/, `const format = ${format}`]

copyOf('one')
copyOf('two', withVersion('9.8.7'))
copyOf('other-format', withVersion('9.9.9'), withFormat(999))

/** What a fresh process prints that has imported both copies as `one` and `two`. */
async function both(body: string): Promise<{ stdout: string; stderr: string }> {
  const script = `
    import { setTimeout as delay } from 'node:timers/promises'
    const one = await import('one')
    const two = await import('two')
    const print = (...values) => console.log(...values.map((value) => typeof value === 'string' ? value : JSON.stringify(value)))
    ${body}
    await delay(1) // a warning is written a little later
  `
  return execute(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, timeout: 60_000 })
}

async function printed(body: string): Promise<string[]> {
  const { stdout } = await both(body)
  return stdout.trimEnd().split('\n')
}

describe('two copies of the package in one process', () => {
  test('are two: neither has the classes of the other', async () => {
    const lines = await printed('print(one.Registry === two.Registry, one.version, two.version)')
    assert.deepEqual(lines, [`false ${version} 9.8.7`])
  })

  test('share one registry, whichever a class is registered through', async () => {
    const lines = await printed(`
      class A { constructor(options) { this.options = options } }
      class B { constructor(options) { this.options = options } }
      one.registrable('!A')(A)
      two.registrable('!B')(B)
      print(one.defaultRegistry === two.defaultRegistry)
      print(two.load('!A { a: 1 }') instanceof A, one.load('!B { a: !A {} }') instanceof B)
      print(two.load('!B { a: !A {} }').options.a instanceof A)
      print(one.dump(two.load('!B { a: !A {} } # why\\n')), two.dump(one.load('!B\\na: !A {}\\n')))
    `)
    assert.deepEqual(lines, ['true', 'true true', 'true', '!B { a: !A {} } # why', ' !B', 'a: !A {}'])
  })

  test('warn once, and name both versions', async () => {
    const { stderr } = await both('')
    const warnings = stderr.split('\n').filter((line) => line.includes('Warning:'))
    assert.equal(warnings.length, 1, stderr)
    assert.ok(warnings[0]?.includes(`flambeau ${version} and flambeau 9.8.7`))
  })

  test('have one idea of what a tag belongs to', async () => {
    const lines = await printed(`
      one.registrable('!A')(class First {})
      try { two.registrable('!A')(class Second {}) } catch (error) { print(error.name, error.message) }
    `)
    assert.match(lines[0] ?? '', /^RegistrationError .*"First".*"Second"/)
  })

  test('know the runnables of each other', async () => {
    const lines = await printed(`
      class A extends one.Runnable { run() { return 'ran A' } }
      class B extends two.Runnable { run() { return 'ran B' } }
      print(two.isRunnable(new A()), one.isRunnable(new B()), one.isRunnable({}))
      one.registrable('!A')(A)
      two.registrable('!B')(B)
      print(await two.runFile({ content: '!A' }), await one.runFile({ content: '!B' }))
    `)
    assert.deepEqual(lines, [
      'true true false',
      '{"ok":true,"value":"ran A","exitCode":0} {"ok":true,"value":"ran B","exitCode":0}',
    ])
  })

  test('give the runnables of each other what they inject', async () => {
    const lines = await printed(`
      class A extends one.Runnable {
        run() { return [this.content, this.userProvider(), this.config.get('A', 'b')] }
      }
      one.registrable('!A')(A)
      const secrets = await two.parseSecrets('[A]\\nb = c')
      const outcome = await two.runFile({ content: '!A {}' }, { secrets, userProvider: () => 'grace' })
      print(outcome.value)
    `)
    assert.deepEqual(lines, ['["!A {}","grace","c"]'])
  })

  test('know the errors of each other', async () => {
    const lines = await printed(`
      const error = (() => { try { one.load('!Nobody') } catch (error) { return error } })()
      print(two.isFlambeauError(error), error instanceof two.FlambeauError, error.problems.length)
      print(one.isFlambeauError(new two.MissingSecretsError('x')), one.isFlambeauError(new Error('x')))
    `)
    assert.deepEqual(lines, ['true false 1', 'true false'])
  })

  test('take the errors of each other for what they are', async () => {
    const { stdout, stderr } = await both(`
      class A extends one.Runnable {
        parse() { throw new one.ParsingRunnableError('"a" must be even') }
        run() {}
      }
      one.registrable('!A')(A)
      const { exitCode, error } = await two.runFile({ content: '!A' })
      print(exitCode, error.name)
    `)
    assert.equal(stdout, '22 ParsingRunnableError\n')
    assert.match(stderr, /^"a" must be even$/m)
    assert.doesNotMatch(stderr, /^\s+at /m)
  })

  test('validate an object once, whichever loads it', async () => {
    const lines = await printed(`
      const schema = { '~standard': { version: 1, vendor: 'test', validate: ({ seconds }) =>
        typeof seconds === 'string'
          ? { value: { seconds: Number.parseInt(seconds, 10) } }
          : { issues: [{ message: 'Expected a string', path: ['seconds'] }] } } }
      one.registrable('!A')(class A extends one.MappedRegistrable.with(schema) {})
      print(one.load('!A { seconds: 5s }').options, two.load('!A { seconds: 5s }').options)
    `)
    assert.deepEqual(lines, ['{"seconds":5} {"seconds":5}'])
  })

  test('dump what the other has loaded, made and changed', async () => {
    const lines = await printed(`
      class A extends one.MappedRegistrable {
        constructor(options) { super(options); this.options = options }
      }
      one.registrable('!A')(A)
      print(two.dump(one.load('!A { b: 1, c: "2" } # why')).trimEnd())
      print(two.dump(new A({ b: 1 })).trimEnd())
      const changed = one.load('!A { b: 1 } # why')
      two.setSerializableAttr(changed, 'b', 2)
      print(one.dump(changed).trimEnd(), changed.options)
    `)
    assert.deepEqual(lines, ['!A { b: 1, c: "2" } # why', '!A', 'b: 1', '!A { b: 2 } # why {"b":2}'])
  })

  test('dump the templates of each other', async () => {
    const lines = await printed(`
      class A {
        constructor(options) { this.options = options }
      }
      class B {
        constructor(options) { this.options = options }
      }
      one.registrable('!A', { templates: ['each'] })(A)
      one.registrable('!B')(B)
      const a = one.load('!A { each: !B { c: 1 } }')
      print(two.dump(a).trimEnd(), two.dump(new A({ each: a.options.each, d: [] })).trimEnd())
    `)
    assert.deepEqual(lines, ['!A { each: !B { c: 1 } } !A', 'each: !B { c: 1 }', 'd: []'])
  })

  test('know the environments of each other', async () => {
    const lines = await printed(`
      const options = { key: 'k', orchestratorIp: 'o', factoriesIps: [], user: 'u', localUser: 'l' }
      const [a, b] = [one, two].map((copy) => copy.dump(new copy.RemoteEnvironment(options)))
      print(a === b, one.load(b).orchestratorIp, two.load(a).orchestratorIp)
    `)
    assert.deepEqual(lines, ['true o o'])
  })

  test('a registry of its own works with the other copy, too', async () => {
    const lines = await printed(`
      const registry = new one.Registry()
      registry.add(class A {}, '!A')
      print(two.load('!A', { registry }).constructor.name, two.check('!B', { registry }).length)
    `)
    assert.deepEqual(lines, ['A 1'])
  })
})

describe('copies that cannot share', () => {
  const importing = (first: string, second: string) =>
    execute(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `
          const first = await import('${first}')
          first.registrable('!A')(class A {})
          await import('${second}').catch((error) =>
            console.log(JSON.stringify({ name: error.name, code: error.code, message: error.message })))
          console.log(first.load('!A').constructor.name)
        `,
      ],
      { cwd: folder, timeout: 60_000 },
    )

  for (const [first, second, versions] of [
    ['one', 'other-format', [version, '9.9.9']],
    ['other-format', 'one', ['9.9.9', version]],
  ] as const)
    test(`the second is refused by name, and the first goes on: ${first}, ${second}`, async () => {
      const { stdout, stderr } = await importing(first, second)
      const [refusal = '', after] = stdout.split('\n')
      const { name, code, message } = JSON.parse(refusal)
      assert.equal(name, 'RegistrationError')
      assert.equal(code, 'TWO_COPIES')
      for (const version of versions) assert.ok(message.includes(`flambeau ${version}`), message)
      assert.equal(after, 'A')
      assert.doesNotMatch(stderr, /Warning/)
    })
})
