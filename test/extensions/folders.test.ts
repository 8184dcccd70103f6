import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  checkFile,
  defaultRegistry,
  dump,
  ExtensionError,
  isFlambeauError,
  listExtensions,
  lockExtensions,
  type Problem,
  Registry,
  registrable,
  runFile,
  SafeExecutionContext,
} from 'flambeau'
import { ExtensionLab, type Files, seeing } from '../support/extension-lab.js'

describe('extensions in folders', () => {
  let lab: ExtensionLab
  before(() => {
    lab = new ExtensionLab()
    lab.link('.')
  })
  after(() => lab.remove())

  let jobs = 0
  /** A file that declares these extensions and has this runnable. */
  function job(declared: Readonly<Record<string, string>>, text: string): string {
    const name = `job-${++jobs}.yaml`
    const lines = Object.entries(declared).map(([key, source]) => `${key}: ${source}\n`)
    writeFileSync(join(lab.folder, name), `${lines.join('')}---\n${text}\n`)
    return join(lab.folder, name)
  }

  const quiet = { debug() {}, info() {}, warn() {}, error() {} }

  async function value(file: string): Promise<unknown> {
    const outcome = await runFile(file, { logger: quiet })
    assert.ok(outcome.ok, outcome.ok ? '' : outcome.error.message)
    return outcome.value
  }

  async function refused(file: string): Promise<readonly Problem[]> {
    const outcome = await runFile(file, { logger: quiet })
    assert.ok(!outcome.ok && outcome.error instanceof ExtensionError)
    assert.equal(outcome.exitCode, 22)
    return outcome.error.problems
  }

  async function refusal(files: Files, text = '!x.See'): Promise<Problem> {
    const name = `refused-${++jobs}`
    lab.write(name, files)
    const [problem, ...others] = await refused(job({ x: `./${name}` }, text))
    assert.deepEqual(others, [])
    return problem!
  }

  test('give a file their tags, factories and aliases, and nobody else', async () => {
    lab.write('many', {
      ...seeing('seen'),
      'index.js': `
        import { alias, namespace, register, registrable, Runnable } from 'flambeau'
        export class Many extends Runnable {
          static twice(options) { return new this({ ...options, times: 2 }) }
          constructor(options = {}) { super(options); this.options = options }
          run() { return this.options }
        }
        registrable('!Many', { factories: ['twice'] })(Many)
        alias('!Several')(Many)
        export default class Main extends Runnable { run() { return 'main' } }
        registrable()(Main)
        export class Deep { constructor(options) { this.deep = options } }
        namespace('inner').registrable('!Deep')(Deep)
        export class Foreign { constructor(word) { this.word = word } }
        register(Foreign, '!Foreign', { fromYaml: (builder, node) => new Foreign(builder.constructScalar(node)) })
        class Hidden {}
        registrable('!Hidden')(Hidden)
      `,
    })
    const before = defaultRegistry.tags()
    const of = (text: string) => value(job({ m: './many' }, text))
    assert.deepEqual(await of('!m.Many { a: 1 }'), { a: 1 })
    assert.deepEqual(await of('!m.Several.twice { a: 1 }'), { a: 1, times: 2 })
    assert.equal(await of('!m.Main'), 'main')
    const made = (await of('!m.Many { deep: !m.inner.Deep { a: 1 }, word: !m.Foreign text }')) as object
    assert.equal(JSON.stringify(made), '{"deep":{"deep":{"a":1}},"word":{"word":"text"}}')
    assert.deepEqual(defaultRegistry.tags(), before)
    const outcome = await runFile(job({ m: './many' }, '!m.Hidden'), { logger: quiet })
    assert.match(outcome.ok ? '' : outcome.error.message, /^Unknown tag "!m.Hidden"/)
  })

  test('do not meet: two with the same tags in one file, two files with other ones of the same name', async () => {
    lab.write('one', seeing('one'))
    lab.write('two', seeing('two'))
    const both = { a: './one', b: './two' }
    assert.deepEqual(await Promise.all([value(job(both, '!a.See')), value(job(both, '!b.See'))]), [
      'one',
      'two',
    ])
    const files = [job({ x: './one' }, '!x.See'), job({ x: './two' }, '!x.See')]
    assert.deepEqual(await Promise.all(files.map(value)), ['one', 'two'])
    assert.deepEqual(
      await Promise.all(files.map(value)),
      ['one', 'two'],
      'again, when the modules are cached',
    )
  })

  test('a registry of its own stays as it was, and what was loaded is dumped with its tags', async () => {
    const registry = new Registry()
    lab.write('dumped', seeing('dumped'))
    const context = new SafeExecutionContext(job({ x: './dumped' }, '!x.See # look\n'), { registry })
    const { runnable, extensions } = await context.preprocess()
    assert.deepEqual(extensions, { x: './dumped' })
    assert.deepEqual(runnable.extensions, { x: './dumped' })
    assert.deepEqual(registry.tags(), [])
    assert.match(dump(runnable), /^!x.See # look$/m)
  })

  test('while they are imported, the host program registers as ever', async () => {
    lab.write('slow', {
      ...seeing('slow'),
      'index.js': `
        import { Runnable, registrable } from 'flambeau'
        await globalThis.extensionIsHalfway()
        export class See extends Runnable { run() { return 'slow' } }
        registrable('!SlowSee')(See)
      `,
    })
    const steps = new EventEmitter()
    const goOn = once(steps, 'go on')
    Object.assign(globalThis, { extensionIsHalfway: () => steps.emit('halfway') && goOn })
    const halfway = once(steps, 'halfway')
    const ran = value(job({ x: './slow' }, '!x.SlowSee'))
    await halfway
    registrable('!OfTheHost')(class OfTheHost {})
    steps.emit('go on')
    assert.equal(await ran, 'slow')
    assert.ok(defaultRegistry.has('!OfTheHost'))
    assert.ok(!defaultRegistry.has('!SlowSee'))
  })

  test('a module that the host has imported keeps its tags there, and has them here, too', async () => {
    const folder = lab.write('shared', {
      ...seeing('shared'),
      'index.js': seeing('shared')['index.js']!.replace("'!See'", "'!SharedSee'"),
    })
    const { See } = await import(pathToFileURL(join(folder, 'index.js')).href)
    assert.equal(await value(job({ x: './shared' }, '!x.SharedSee')), 'shared')
    assert.equal(defaultRegistry.get('!SharedSee')?.Class, See)
    assert.equal(defaultRegistry.has('!x.SharedSee'), false)
  })

  test('may use another copy of flambeau', async () => {
    const folder = lab.write('copied', seeing('from another copy'))
    const copy = join(folder, 'node_modules', 'flambeau')
    cpSync('dist', join(copy, 'dist'), { recursive: true })
    cpSync('package.json', join(copy, 'package.json'))
    const before = defaultRegistry.tags()
    assert.equal(await value(job({ x: './copied' }, '!x.See')), 'from another copy')
    assert.deepEqual(defaultRegistry.tags(), before)
  })

  test('may be CommonJS, with "main" or with nothing but an index', async () => {
    const index = `
      const { Runnable, registrable } = require('flambeau')
      class See extends Runnable { run() { return 'required' } }
      module.exports = Object.assign({}, { See: registrable('!See')(See) })
    `
    lab.write('common', { 'package.json': '{"main":"./lib.js"}', 'lib.js': index })
    lab.write('bare', { 'package.json': '{}', 'index.js': index })
    assert.equal(await value(job({ x: './common' }, '!x.See')), 'required')
    assert.equal(await value(job({ x: './bare' }, '!x.See')), 'required')
  })

  test('are found from the current folder by a text, from the home by "~", and by a whole path', async () => {
    const folder = lab.write('anywhere', seeing('here'))
    const content = `x: ${folder}\n---\n!x.See`
    const outcome = await runFile({ content }, { logger: quiet })
    assert.equal(outcome.ok && outcome.value, 'here')
    lab.write('home/mine', seeing('at home'))
    writeFileSync(join(lab.folder, 'home.yaml'), 'x: ~/mine\n---\n!x.See\n')
    assert.equal((await lab.flambeau(['run', 'home.yaml'])).stdout, 'at home\n')
  })

  describe('that cannot be had', () => {
    test('all are told of at once, each where it is declared', async () => {
      lab.write('vision', seeing('seen'))
      const declared = { ok: './vision', typo: './vison', '"my ext"': './vision', odd: '"who knows?"' }
      const problems = await refused(job(declared, '!ok.See'))
      assert.deepEqual(
        problems.map(({ code, line, column }) => [code, line, column]),
        [
          ['EXTENSION_NOT_FOUND', 2, 7],
          ['BAD_EXTENSION_NAME', 3, 1],
          ['BAD_EXTENSION_SOURCE', 4, 6],
        ],
      )
      assert.match(problems[0]!.message, /did you mean "vision"\?$/)
      assert.match(problems[1]!.message, /"my_ext"$/)
    })

    test('a source with words of a shell, or flags of git, runs neither', async () => {
      const mark = join(lab.folder, 'ran')
      const sources = [
        `file://${lab.folder}/$(touch ${mark})`,
        `file://${lab.folder}/x;touch ${mark}`,
        `git+ssh://-oProxyCommand=touch ${mark}/x.git`,
        `--upload-pack=touch ${mark}`,
        `ext::touch ${mark}`,
      ]
      for (const source of sources) {
        await assert.rejects(lockExtensions(job({ x: JSON.stringify(source) }, '!x.See')))
        assert.ok(!existsSync(mark), source)
      }
    })

    test('sources that are none, each with what to write', async () => {
      const said = async (source: string) => {
        const file = job({ x: JSON.stringify(source) }, '!x.See')
        const [problem] = await refused(file)
        assert.equal(problem!.code, 'BAD_EXTENSION_SOURCE')
        await assert.rejects(lockExtensions(file), { code: 'BAD_EXTENSION_SOURCE' })
        return problem!.message
      }
      for (const source of [
        'https://example.org/a/tree/50%/b',
        'https://example.org/a.git#50%',
        'git+ssh://example.org/a.git#%zz',
        'file:///a%/b',
        'file:///a%2Fb',
      ])
        assert.match(await said(source), /invalid "%" escape: write "%25"/)
      for (const source of ['./a\u0000b', 'https://example.org/a\u0000.git', 'a\u0000', '~/\u001b[31m'])
        assert.match(await said(source), /^Extension "x" has a control character in its source/)
    })

    test('a file in place of a folder', async () => {
      const [problem] = await refused(job({ x: `./${basename(job({}, 'a: 1'))}` }, '!x.See'))
      assert.match(problem!.message, /is not a folder: ".*" is a file; write the folder that contains it$/)
    })

    test('what throws: what it said, and where in its own code', async () => {
      const { code, message } = await refusal({
        ...seeing(''),
        'index.js': "import './deep.js'\n",
        'deep.js': "const read = JSON.parse\nread('{')\n",
      })
      assert.equal(code, 'NOT_IMPORTABLE')
      assert.match(message, /SyntaxError: .*JSON/)
      assert.match(message, /\n {4}at .*refused-\d+\/deep\.js:2:1$/)
    })

    test('what imports a package that is not there', async () => {
      const { code, message } = await refusal({ ...seeing(''), 'index.js': "import 'not-there'" })
      assert.equal(code, 'NOT_IMPORTABLE')
      assert.match(message, /Cannot find package 'not-there'/)
    })

    test('what exports no registrable class: what it does export', async () => {
      const { code, message } = await refusal({
        ...seeing(''),
        'index.js': 'export class Bare {}\nexport const helper = 1\n',
      })
      assert.equal(code, 'NOTHING_TO_REGISTER')
      assert.match(message, /exports only "Bare", "helper"; put "@registrable"/)
    })

    test('what was not built', async () => {
      const { code, message } = await refusal({ 'package.json': '{"name":"x","exports":"./dist/index.js"}' })
      assert.equal(code, 'NOT_BUILT')
      assert.match(message, /"exports" names no file\): build it \("npm run build" in ".*"\)/)
    })

    test('exports that Node does not look at, for want of a name', async () => {
      const { code, message } = await refusal({
        'package.json': '{"type":"module","exports":"./index.js"}',
        'index.js': seeing('')['index.js']!,
      })
      assert.equal(code, 'NOT_IMPORTABLE')
      assert.match(message, /has "exports" but no "name" in ".*package\.json": add "name"$/)
    })

    test('a package.json that is none', async () => {
      const { code, message } = await refusal({ ...seeing(''), 'package.json': 'null' })
      assert.equal(code, 'NOT_IMPORTABLE')
      assert.match(message, /has a "package.json" that is not an object: write "\{ \.\.\. \}" in it$/)
    })

    test('TypeScript, where Node cannot run it', {
      skip: (process.features as { typescript?: unknown }).typescript ? 'this Node can' : false,
    }, async () => {
      const { code, message } = await refusal({
        'package.json': '{"name":"x","type":"module","exports":"./index.ts"}',
        'index.ts': 'export const a: number = 1',
      })
      assert.equal(code, 'NOT_BUILT')
      assert.match(message, /is written in TypeScript \(".*index\.ts"\).*build it/)
    })

    test('a tag that the registry has already', async () => {
      lab.write('taken', seeing('taken'))
      const registry = new Registry()
      registry.add(class Other {}, '!x.See')
      const outcome = await runFile(job({ x: './taken' }, '!x.See'), { registry, logger: quiet })
      assert.match(outcome.ok ? '' : outcome.error.message, /"x" cannot be registered: .*"Other".*"See"/)
    })

    test('dependencies that are missing: nothing is installed unasked', async () => {
      const problem = await refusal(seeing('', { dependencies: { 'left-out': '^1.0.0' } }))
      assert.equal(problem.code, 'NOT_INSTALLED')
      assert.match(
        problem.message,
        /has no "left-out"; run "npm install" there, or add "--install-extensions"/,
      )
    })
  })

  describe('in a check', () => {
    test('have their tags checked', async () => {
      lab.write('checked', seeing('checked'))
      const [problem, ...others] = await checkFile(job({ x: './checked' }, '!x.Sea'))
      assert.deepEqual(others, [])
      assert.match(problem!.message, /^Unknown tag "!x.Sea": did you mean "!x.See"\?/)
    })

    test('that are not installed hide nothing else, and one notice says what was not seen', async () => {
      const warnings: Problem[] = []
      const text = '!x.See\na: !Unknown {}\nb: !x.Other { c: 1, c: 2 }'
      const problems = await checkFile(job({ x: 'a-package@^1' }, text), {
        onWarning: (warning) => warnings.push(warning),
      })
      assert.deepEqual(
        problems.map(({ code, line }) => [code, line]),
        [
          ['UNKNOWN_TAG', 4],
          ['DUPLICATE_KEY', 5],
        ],
      )
      assert.equal(warnings.length, 1)
      assert.match(warnings[0]!.message, /not installed: .*\nNot checked: "!x.See", "!x.Other"$/)
    })

    test('that are wrong are problems', async () => {
      const problems = await checkFile(job({ x: './not-there' }, '!x.See'))
      assert.deepEqual(
        problems.map(({ code }) => code),
        ['EXTENSION_NOT_FOUND'],
      )
    })

    test('leave any other stream of documents alone', async () => {
      writeFileSync(join(lab.folder, 'data.yaml'), 'a: b\n---\nc: d\n')
      assert.deepEqual(await checkFile(join(lab.folder, 'data.yaml')), [])
    })
  })

  test('are listed with source and tags, those that cannot be had with why', async () => {
    lab.write('listed', seeing('listed'))
    const listed = await listExtensions(job({ a: './listed', b: './missing' }, '!a.See'))
    assert.deepEqual(
      listed.map(({ name, source, tags, folder }) => ({ name, source, tags, folder })),
      [
        { name: 'a', source: './listed', tags: ['!a.See'], folder: join(lab.folder, 'listed') },
        { name: 'b', source: './missing', tags: [], folder: undefined },
      ],
    )
    assert.match(listed[1]!.problem!, /^Extension "b" was not found/)
  })

  describe('in a lock', () => {
    test('are used, and refused with both hashes once they changed, when nothing else is allowed', async () => {
      const folder = lab.write('locked', seeing('locked'))
      const file = job({ x: './locked' }, '!x.See')
      const lock = readFileSync(await lockExtensions(file), 'utf8')
      assert.equal(basename(await lockExtensions(file)), basename(file).replace('.yaml', '.lock.yaml'))
      const [hash] = /sha512-\S+/.exec(lock)!
      const frozen = () => runFile(file, { frozen: true, logger: quiet })
      assert.ok((await frozen()).ok)
      writeFileSync(join(folder, 'more.js'), '')
      const outcome = await frozen()
      assert.ok(!outcome.ok && outcome.error.message.includes(hash))
      assert.equal(new Set(outcome.error.message.match(/sha512-[\w+/=]+/g)).size, 2)
      assert.equal(await value(file), 'locked', 'a folder is being worked in')
    })

    test('are refused when what runs is not what was hashed', async () => {
      lab.write('elsewhere', seeing('elsewhere'))
      const refusals: Record<string, (folder: string) => void> = {
        'its link "more.js" points outside': (folder) =>
          symlinkSync('../elsewhere/index.js', join(folder, 'more.js')),
        'its link "dir" points outside': (folder) =>
          symlinkSync(join(lab.folder, 'elsewhere'), join(folder, 'dir')),
        'its link "deep" points outside': (folder) => {
          mkdirSync(join(folder, 'node_modules'))
          symlinkSync('node_modules', join(folder, 'deep'))
        },
        'its link "lost" points outside': (folder) => symlinkSync('nowhere', join(folder, 'lost')),
      }
      for (const [said, spoil] of Object.entries(refusals)) {
        const name = `spoilt-${++jobs}`
        const folder = lab.write(name, seeing('spoilt'))
        const file = job({ x: `./${name}` }, '!x.See')
        await lockExtensions(file)
        spoil(folder)
        assert.match(await frozenRefusal(file, 'NOT_PINNED'), new RegExp(said))
        await assert.rejects(lockExtensions(file), { code: 'NOT_PINNED' })
        assert.equal(await value(file), 'spoilt', 'nobody asked for what is locked')
      }
    })

    test('are refused when their module lies outside their folder, or among its dependencies', async () => {
      lab.write('elsewhere', seeing('elsewhere'))
      for (const main of ['../elsewhere/index.js', './node_modules/x.js']) {
        const name = `outside-${++jobs}`
        const folder = lab.write(name, seeing('inside'))
        const file = job({ x: `./${name}` }, '!x.See')
        await lockExtensions(file)
        const lock = readFileSync(file.replace('.yaml', '.lock.yaml'), 'utf8')
        lab.write(name, seeing('', { exports: undefined, main }))
        mkdirSync(join(folder, 'node_modules'))
        writeFileSync(join(folder, 'node_modules/x.js'), seeing('elsewhere')['index.js']!)
        assert.match(await frozenRefusal(file, 'NOT_PINNED'), /is outside the hashed files/)
        await assert.rejects(lockExtensions(file), {
          code: 'NOT_PINNED',
          message: /is outside the hashed files/,
        })
        assert.equal(readFileSync(file.replace('.yaml', '.lock.yaml'), 'utf8'), lock)
        assert.equal(await value(file), 'elsewhere', 'nobody asked for what is locked')
      }
    })

    test('can be written before a folder is built', async () => {
      lab.write('unbuilt', seeing('', { exports: './dist/index.js' }))
      const lock = await lockExtensions(job({ x: './unbuilt' }, '!x.See'))
      assert.match(readFileSync(lock, 'utf8'), /integrity: sha512-/)
    })

    test('may have links to what is hashed, too, and where a link leads is hashed', async () => {
      const folder = lab.write('linked', { ...seeing('linked'), 'other.js': '' })
      symlinkSync('index.js', join(folder, 'main.js'))
      const file = job({ x: './linked' }, '!x.See')
      await lockExtensions(file)
      assert.ok((await runFile(file, { frozen: true, logger: quiet })).ok)
      rmSync(join(folder, 'main.js'))
      symlinkSync('other.js', join(folder, 'main.js'))
      await frozenRefusal(file, 'TAMPERED')
    })

    async function frozenRefusal(file: string, code: string): Promise<string> {
      const outcome = await runFile(file, { frozen: true, logger: quiet })
      assert.ok(!outcome.ok && outcome.error instanceof ExtensionError)
      assert.equal(outcome.error.code, code, outcome.error.message)
      return outcome.error.message
    }

    test('that was edited is refused, and constructs nothing', async () => {
      lab.write('other', seeing('other'))
      const file = job({ x: './other' }, '!x.See')
      const lock = file.replace('.yaml', '.lock.yaml')
      await lockExtensions(file)
      const written = readFileSync(lock, 'utf8')
      let made = 0
      const Made = class {
        constructor() {
          made++
        }
      }
      defaultRegistry.add(Made, '!Made')
      for (const [from, to] of [
        [/sha512-.*/, 'sha1-abc'],
        [/sha512-.*/, 'sha512-short'],
        [/integrity: .*/, `commit: ${'0'.repeat(40)}`],
        [/integrity: .*/, '$&\n    version: 5'],
        [/integrity: .*/, '$&\n    folder: [a]'],
        [/source: .*/, '$&\n    more: !Made {}'],
        [/version: 1/, '- version: 1'],
        [/^[\s\S]*$/, ''],
        [/^[\s\S]*$/, '\u0000'],
      ] as const) {
        writeFileSync(lock, written.replace(from, to))
        const outcome = await runFile(file, { frozen: true, logger: quiet })
        assert.ok(!outcome.ok && isFlambeauError(outcome.error) && outcome.exitCode === 22, to)
        assert.doesNotMatch(outcome.error.message, /^\s+at /m)
      }
      defaultRegistry.remove('!Made')
      assert.equal(made, 0)
    })

    test('that is not there, or has another source, nothing is allowed', async () => {
      lab.write('other', seeing('other'))
      const file = job({ x: './other' }, '!x.See')
      const frozen = () => runFile(file, { frozen: true, logger: quiet })
      const said = async () => ((outcome) => (outcome.ok ? '' : outcome.error.message))(await frozen())
      assert.match(await said(), /is not in the lock, and "--frozen" accepts only what is locked/)
      await lockExtensions(file)
      writeFileSync(file, 'x: ./one\n---\n!x.See\n')
      assert.match(await said(), /is in the lock with another source, "\.\/other", and/)
    })

    test('is written over no file that never was one', async () => {
      const file = job({ x: './other' }, '!x.See')
      const lock = file.replace('.yaml', '.lock.yaml')
      writeFileSync(lock, '!Train {}\n')
      await assert.rejects(lockExtensions(file), { code: 'LOCK_TAKEN', exitCode: 22 })
      assert.equal(readFileSync(lock, 'utf8'), '!Train {}\n')
    })

    test('that is none is refused, until it is written anew', async () => {
      const file = job({ x: './other' }, '!x.See')
      writeFileSync(file.replace('.yaml', '.lock.yaml'), 'version: 2\n')
      const outcome = await runFile(file, { logger: quiet })
      assert.match(outcome.ok ? '' : outcome.error.message, /is not a lock that this version can read/)
      await lockExtensions(file)
      assert.ok((await runFile(file, { frozen: true, logger: quiet })).ok)
    })

    test('that cannot be read is refused, and no draft is left where it cannot be written', async () => {
      lab.write('other', seeing('other'))
      const file = job({ x: './other' }, '!x.See')
      mkdirSync(file.replace('.yaml', '.lock.yaml'))
      const outcome = await runFile(file, { logger: quiet })
      assert.match(outcome.ok ? '' : outcome.error.message, /lock\.yaml" is a folder/)
      await assert.rejects(lockExtensions(file))
      assert.deepEqual(
        readdirSync(lab.folder).filter((name) => name.startsWith(basename(file, '.yaml'))),
        [basename(file), basename(file).replace('.yaml', '.lock.yaml')].sort(),
      )
    })

    test('is not written for a file that is not well-formed', async () => {
      const file = job({ x: './other' }, '!x.See { a: 1, a: 2 }')
      await assert.rejects(lockExtensions(file), { code: 'DUPLICATE_KEY' })
      assert.ok(!existsSync(file.replace('.yaml', '.lock.yaml')))
    })

    test('do not count what git keeps in a worktree or submodule', async () => {
      const folder = lab.write('worktree', { ...seeing('kept'), '.git': 'gitdir: /here\n' })
      const file = job({ x: './worktree' }, '!x.See')
      await lockExtensions(file)
      writeFileSync(join(folder, '.git'), 'gitdir: /there\n')
      assert.ok((await runFile(file, { frozen: true, logger: quiet })).ok)
    })

    test('cannot be had when git fails: what it said is the cause', async () => {
      const file = job({ x: `file://${lab.folder}/none.git` }, '!x.See')
      await assert.rejects(lockExtensions(file), (error) => {
        assert.ok(error instanceof ExtensionError && error.cause instanceof Error)
        assert.equal(error.code, 'EXTENSION_NOT_FOUND')
        assert.match(error.cause.message, /^git failed: fatal: /)
        return true
      })
    })
  })

  test('credentials show in no frame, not even in one of another problem', async () => {
    const sources = ['bob:s3cret', 'bob:pa@s3cret'].map((login) => `https://${login}@example.org/repo.git`)
    const text = `a: ${sources[0]}\nb: ./missing\nc: ${sources[1]}\n---\n!a.See\n`
    writeFileSync(join(lab.folder, 'secret.yaml'), text)
    const ended = await Promise.all(
      [['check'], ['run'], ['extensions', 'list'], ['extensions', 'list', '--json'], ['run', '--debug']].map(
        (args) => lab.flambeau([...args, 'secret.yaml']),
      ),
    )
    for (const { stdout, stderr } of ended) {
      assert.doesNotMatch(stdout + stderr, /s3cret/)
      assert.match(stdout + stderr, /example\.org/)
    }
  })
})
