import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import promises, { link, mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, mock, test } from 'node:test'
import {
  check,
  checkFile,
  DocumentError,
  dump,
  load,
  loadFile,
  type Problem,
  Registry,
  registrable,
  resolveFile,
  runFile,
  SafeExecutionContext,
  setSerializableAttr,
} from 'flambeau'
import { z } from 'zod'
import { where, YamlProjects } from '../../support/yaml-project.js'

const registry = new Registry()

@registrable('!Layer', { registry, schema: z.object({ units: z.number(), name: z.string().optional() }) })
class Layer {
  constructor(readonly options: { units: number; name?: string | undefined }) {}
}

@registrable('!Net', { registry })
class Net {
  constructor(readonly options: Record<string, any>) {}
}

const projects = new YamlProjects()
const { folder } = projects
const project = projects.write.bind(projects)

const read = async (files: Record<string, string>): Promise<any> =>
  loadFile(await project(files), { registry })

async function problemsOf(files: Record<string, string>): Promise<Problem[]> {
  return checkFile(await project(files), { registry })
}

async function onlyProblem(files: Record<string, string>): Promise<Problem> {
  const problems = await problemsOf(files)
  assert.equal(problems.length, 1, problems.map(({ message }) => message).join('\n'))
  return problems[0]!
}

describe('a file', () => {
  test('stands where it is included, in a folder below, and as JSON', async () => {
    const net = await read({
      'net.yaml': '!Net\nfirst: !include layers/a.yaml\nsecond: !include data.json\n',
      'layers/a.yaml': '!Net\ninner: !include b.yml\n',
      'layers/b.yml': '!Layer { units: 3 }\n',
      'data.json': '{ "list": [1, 2] }\n',
    })
    assert.ok(net.options.first.options.inner instanceof Layer)
    assert.equal(net.options.first.options.inner.options.units, 3)
    assert.deepEqual(net.options.second, { list: [1, 2] })
  })

  test('is two objects when it is included twice, and one when an alias repeats it', async () => {
    const net = await read({
      'net.yaml': '!Net\na: &a !include layer.yaml\nb: !include layer.yaml\nc: *a\n',
      'layer.yaml': '!Layer { units: 3 }\n',
    })
    const { a, b, c } = net.options
    assert.notEqual(a, b)
    assert.equal(a, c)
  })

  test('may be the whole document, an item, and what "<<" merges', async () => {
    const all = await read({
      'all.yaml': '!include top.yaml\n',
      'top.yaml': '- !include base.yaml\n- <<: !include base.yaml\n  b: 3\n',
      'base.yaml': 'a: 1\nb: 2\n',
    })
    assert.deepEqual(all, [
      { a: 1, b: 2 },
      { a: 1, b: 3 },
    ])
  })

  test('gives a part of itself after "#"', async () => {
    const net = await read({
      'net.yaml':
        '!Net\nsmall: !include data.yaml#sets[0]\nodd: !include "data.yaml#\\"a key.with dots\\""\n',
      'data.yaml': 'sets: [{ n: 1 }, { n: 2 }]\n"a key.with dots": 5\n',
    })
    assert.deepEqual(net.options, { small: { n: 1 }, odd: 5 })
  })

  test('gives a part without the rest: its values are not copied, and their problems are not reported', async () => {
    const part = (name: string): string => `${name}: [${'0, '.repeat(20_000)}]\n`
    const all = Array.from({ length: 15 }, (_, index) => part(`p${index}`)).join('')
    const value = await read({
      'all.yaml': all.replace(/^p(\d+).*$/gm, '- !include big.yaml#p$1[0]'),
      'big.yaml': `${all}broken: !include missing.yaml\n`,
    })
    assert.deepEqual(value, Array(15).fill(0))
  })

  test('is read once, however often and by whatever paths it is included', async () => {
    const open = mock.method(promises, 'open')
    syncBuiltinESMExports()
    try {
      const lines = Array.from({ length: 30 }, (_, index) => `- !include ${index % 2 ? './' : ''}one.yaml\n`)
      assert.deepEqual(await read({ 'all.yaml': lines.join(''), 'one.yaml': '1\n' }), Array(30).fill(1))
      const opened = open.mock.calls.map(({ arguments: [path] }) => String(path))
      assert.equal(opened.filter((path) => path.endsWith('one.yaml')).length, 1)
    } finally {
      open.mock.restore()
      syncBuiltinESMExports()
    }
  })

  test('gives a part with what its aliases lead to, and what an include on the way contains', async () => {
    const net = await read({
      'net.yaml': '!Net\nx: !include b.yaml#k\ny: !include b.yaml#inner.list[1]\nz: !include b.yaml#more.k\n',
      'b.yaml':
        'u: &u !include c.yaml\nv: &v { u: *u, w: &w { q: 1 } }\nk: { w: *w, v: *v, u: *u }\ninner: !include c.yaml\nmore: !extends { file: c.yaml, set: { k: *w } }\n',
      'c.yaml': 'list: [1, 2]\nk: 0\n',
    })
    const { x, y, z } = net.options
    assert.deepEqual(x, {
      w: { q: 1 },
      v: { u: { list: [1, 2], k: 0 }, w: { q: 1 } },
      u: { list: [1, 2], k: 0 },
    })
    assert.equal(x.w, x.v.w)
    assert.equal(x.u, x.v.u)
    assert.equal(y, 2)
    assert.deepEqual(z, { q: 1 })
    const resolved = dump(net, { registry, resolved: true })
    assert.deepEqual((load(resolved, { registry }) as Net).options, net.options)
  })

  test('keeps its anchors to itself', async () => {
    const net = await read({
      'net.yaml': '!Net\na: &x 1\nb: !include part.yaml\nc: *x\n',
      'part.yaml': 'own: &x 2\nsame: *x\n',
    })
    assert.deepEqual(net.options, { a: 1, b: { own: 2, same: 2 }, c: 1 })
    const resolved = dump(net, { registry, resolved: true })
    assert.deepEqual((load(resolved, { registry }) as Net).options, net.options)
  })
})

describe('problems', () => {
  test('in an included file are framed there, with each step of the way', async () => {
    const problem = await onlyProblem({
      'net.yaml': '!Net\nfirst: !include layers/a.yaml\n',
      'layers/a.yaml': '!Net\ninner: !include b.yaml\n',
      'layers/b.yaml': '# a layer\n!Layer\nunits: many\n',
    })
    assert.equal(where(problem), 'b.yaml:3:8')
    assert.match(problem.frame, /3 \| units: many\n {2}\| {8}\^\^\^\^/)
    assert.deepEqual(
      problem.related!.map((each) => `${each.message} ${where(each)}`),
      ['included at a.yaml:2:8', 'included at net.yaml:2:8'],
    )
  })

  test('of a file that is included twice are told once', async () => {
    const files = {
      'net.yaml': '!Net\na: !include layer.yaml\nb: !include layer.yaml\n',
      'layer.yaml': '!Layer\nunits: many\n',
    }
    assert.equal(where(await onlyProblem(files)), 'layer.yaml:2:8')
    assert.equal(where(await onlyProblem({ ...files, 'layer.yaml': 'a: [1\n' })), 'layer.yaml:1:4')
  })

  test('leave what is said of the other values', async () => {
    const problems = await problemsOf({
      'net.yaml': '!Net\na: !include layr.yaml\nb: !Layer { units: many }\n',
      'layer.yaml': '!Layer { units: 1 }\n',
    })
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['NO_FILE', 'BAD_OPTION'],
    )
    assert.equal(where(problems[0]!), 'net.yaml:2:4')
    assert.match(problems[0]!.message, /did you mean "layer\.yaml"\?/)
  })

  const refused: [name: string, text: string, code: string, message: RegExp][] = [
    ['a folder', '!include layers', 'INCLUDE_PATH', /only names that end with/],
    [
      'a folder with the name of a file',
      '!include folder.yaml',
      'IS_FOLDER',
      /is a folder: name the YAML file in it/,
    ],
    ['an absolute path', '!include /etc/a.yaml', 'INCLUDE_PATH', /not relative/],
    ['a home folder', '!include ~/a.yaml', 'INCLUDE_PATH', /not relative/],
    ['a device', '!include /dev/zero', 'INCLUDE_PATH', /not relative/],
    ['backslashes', '!include a\\b.yaml', 'INCLUDE_PATH', /write "\/" between folders/],
    ['a path out of the project', '!include ../../../etc/a.yaml', 'INCLUDE_OUTSIDE', /"--include-root"/],
    ['a file of variables', '!include .env', 'INCLUDE_PATH', /only names that end with/],
    ['a private YAML file', '!include .env.yaml', 'INCLUDE_SECRET', /may contain secrets/],
    ['a private key', '!include key.json', 'INCLUDE_SECRET', /may contain secrets/],
    ['what git keeps', '!include .git/c.yaml', 'INCLUDE_SECRET', /may contain secrets/],
    ['what Subversion keeps', '!include sub/.svn/c.yaml', 'INCLUDE_SECRET', /may contain secrets/],
    ['an INI file', '!include creds.yaml', 'INCLUDE_SECRET', /: pass secrets with "--secrets" or "secrets"$/],
    ['an empty file', '!include empty.yaml', 'EMPTY_FILE', /"\{\}"/],
    ['several documents', '!include many.yaml', 'SEVERAL_DOCUMENTS', /found the second of 3/],
    ['an unknown part', '!include layer.yaml#unit', 'NO_SUCH_PATH', /did you mean "units"\?/],
    ['a wrong part', '!include layer.yaml#[', 'BAD_PATH', /./],
    ['a mapping', '!include { file: a.yaml }', 'BAD_INCLUDE', /takes the path of a file/],
    [
      'a scalar with "!extends"',
      '!extends layers/a.yaml',
      'BAD_INCLUDE',
      /: write "file: layers\/a\.yaml" below it$/,
    ],
    ['nothing', '!include', 'BAD_INCLUDE', /takes the path of a file/],
  ]
  for (const [name, text, code, message] of refused)
    test(`no file can include ${name}`, async () => {
      const problem = await onlyProblem({
        'net.yaml': `!Net\na: ${text}\n`,
        'layers/a.yaml': '1\n',
        'folder.yaml/a.yaml': '1\n',
        '.env': 'TOKEN=no-real-token\n',
        '.env.yaml': 'TOKEN: no-real-token\n',
        'key.json': `{ "key": "-----BEGIN PRIVATE KEY-----\\n${'A'.repeat(32)}" }\n`,
        '.git/c.yaml': 'url: no-real-token\n',
        'sub/.svn/c.yaml': 'url: no-real-token\n',
        'creds.yaml': '# keys\n; of s1\n[s1]\nACCESS_KEY=no-real-token\n',
        'empty.yaml': '# nothing\n',
        'many.yaml': '1\n---\n2\n---\n3\n',
        'layer.yaml': '!Layer\nunits: 3\n',
      })
      assert.equal(problem.code, code)
      assert.match(problem.message, message)
      assert.doesNotMatch(JSON.stringify(problem), /no-real-token|AAAA/)
    })

  test('a package in node_modules can be included', async () => {
    const files = { 'a.yaml': '!include node_modules/shared/b.yaml\n', 'node_modules/shared/b.yaml': '1\n' }
    assert.equal(await read(files), 1)
  })

  test('a comment after the path is not taken for a part without a warning', async () => {
    const warnings: Problem[] = []
    const files = { 'a.yaml': '!Net\na: !include data.yaml #small\n', 'data.yaml': 'small: 1\n' }
    const file = await project(files)
    assert.deepEqual(await checkFile(file, { registry, onWarning: (warning) => warnings.push(warning) }), [])
    assert.match(warnings[0]!.message, /write "data\.yaml#small" for that part/)
    assert.equal(where(warnings[0]!), 'a.yaml:2:23')
  })

  test('of a tag before a key are told once', async () => {
    const files = { 'a.yaml': 'a: !!set { ? !include b.yaml }\nb: !include b.yaml\n', 'b.yaml': '1\n' }
    const problem = await onlyProblem(files)
    assert.equal(problem.code, 'TAGGED_KEY')
    assert.equal(where(problem), 'a.yaml:1:14')
  })

  test('name a symbolic link that leads nowhere, instead of its own name as the one that is meant', async () => {
    const file = await project({ 'a.yaml': 'a: !include b.yaml\n' })
    await symlink('nowhere.yaml', join(dirname(file), 'b.yaml'))
    const [problem] = await checkFile(file, { registry })
    assert.equal(problem?.message, '"b.yaml" is a symbolic link to a file that does not exist')
  })

  test('a text includes nothing', () => {
    const text = '!Net\na: !include layer.yaml\nb: !Layer { units: many }\n'
    const problems = check(text, { registry })
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['INCLUDE_NOT_READ', 'BAD_OPTION'],
    )
    assert.match(problems[0]!.message, /"loadFile", "checkFile"/)
    assert.throws(() => load(text, { registry }), DocumentError)
  })

  test('a program can turn includes off', async () => {
    const file = await project({ 'a.yaml': '!Net\na: !include b.yaml\n', 'b.yaml': '1\n' })
    const [problem] = await checkFile(file, { registry, include: false })
    assert.equal(problem?.code, 'INCLUDE_NOT_READ')
    assert.match(problem!.message, /"include: false"/)
  })
})

describe('a symbolic link', () => {
  test('to a folder does not hide the file that a path leads to', async () => {
    const file = await project({
      'a.yaml': 'x: !include link/b.yaml\n',
      'deep/er/b.yaml': 'n: 1\nz: !include ../c.yaml\n',
      'deep/c.yaml': '!Layer { units: many }\n',
      'c.yaml': '"another file"\n',
    })
    await symlink('deep/er', join(dirname(file), 'link'))
    const [problem] = await checkFile(file, { registry })
    assert.equal(problem?.file, join(dirname(file), 'deep/c.yaml'))
    await writeFile(join(dirname(file), 'deep/c.yaml'), 'n: 3\n')
    const value: any = await loadFile(file, { registry })
    value.x.n = 2
    assert.equal(dump(value, { registry }), 'x:\n  n: 2\n  z: !include deep/c.yaml\n')
  })

  test('to the file itself leaves its paths where they are', async () => {
    const file = await project({
      'real/a.yaml': 'x: !include sub/b.yaml\n',
      'real/sub/b.yaml': 'n: 1\nz: !include c.yaml\n',
      'real/sub/c.yaml': 'n: 1\n',
      'l/i/n/k/other.yaml': '1\n',
    })
    const link = join(dirname(file), '../l/i/n/k/a.yaml')
    await symlink(file, link)
    const value: any = await loadFile(link, { registry })
    value.x.n = 2
    await writeFile(link, dump(value, { registry }))
    assert.equal(await readFile(file, 'utf8'), 'x:\n  n: 2\n  z: !include sub/c.yaml\n')
    assert.deepEqual(await loadFile(link, { registry }), value)
    const { origins } = await resolveFile(link, { registry })
    assert.equal(origins.at(-1)!.file, join(dirname(file), 'sub/c.yaml'))
  })
})

describe('hostile', () => {
  const chainOf = (count: number): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: count }, (_, index) => [
        `f${index}.yaml`,
        index === count - 1 ? 'x: 1\n' : `!include f${index + 1}.yaml\n`,
      ]),
    )

  test('a chain of 400 files is one document, and one of 600 is too deep', async () => {
    assert.deepEqual(await read(chainOf(400)), { x: 1 })
    assert.equal((await onlyProblem(chainOf(600))).code, 'TOO_DEEP')
  })

  test('collections that are too deep in all are refused, since the resolved file could not be read', async () => {
    const nested = (depth: number, inside: string): string => '['.repeat(depth) + inside + ']'.repeat(depth)
    const files = { 'a.yaml': nested(300, '!include b.yaml'), 'b.yaml': nested(250, '') }
    const problem = await onlyProblem(files)
    assert.equal(problem.code, 'TOO_DEEP')
    assert.equal(where(problem), 'b.yaml:1:200')
    const value = await read({ ...files, 'b.yaml': nested(190, '') })
    assert.deepEqual(load(dump(value, { registry, resolved: true })), value)
  })

  test('a cycle of 1,000 files is one problem, with a short chain', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [
        `f${index}.yaml`,
        `a: !include f${(index + 1) % 1000}.yaml\n`,
      ]),
    )
    const problem = await onlyProblem(files)
    assert.equal(problem.code, 'INCLUDE_CYCLE')
    assert.match(problem.message, /f0\.yaml" includes itself: .* → .* more files → /)
    assert.equal(where(problem), 'f999.yaml:1:4')
    assert.equal(problem.related!.length, 999)
    assert.ok(problem.message.length < 2000)
  })

  test('a cycle is no problem when an override replaces the include that leads to it', async () => {
    const file = await project({
      'a.yaml': 'x: !include b.yaml\ny: !include c.yaml\nz: !include b.yaml\n',
      'b.yaml': 'n: !include d.yaml\n',
      'c.yaml': '1\n',
      'd.yaml': 'n: !include b.yaml\n',
    })
    const codes = async (set: string[]): Promise<string[]> =>
      (await checkFile(file, { registry, set })).map(({ code }) => code)
    assert.deepEqual(await codes([]), ['INCLUDE_CYCLE'])
    assert.deepEqual(await codes(['x=1']), ['INCLUDE_CYCLE'])
    assert.deepEqual(await codes(['x=1', 'z=!include b.yaml']), ['INCLUDE_CYCLE'])
    assert.deepEqual(await loadFile(file, { registry, set: ['x=1', 'z=2'] }), { x: 1, y: 1, z: 2 })
  })

  test('30 files that include the next one twice are refused in bounded time', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `f${index}.yaml`)
    const files = Object.fromEntries(
      names.map((name, index) => {
        const next = names[index + 1]
        return [name, next ? `- !include ${next}\n- !include ${next}\n` : '1\n']
      }),
    )
    const problem = await onlyProblem(files)
    assert.equal(problem.code, 'INCLUDE_LIMIT')
    assert.match(problem.message, /^Files are included more than 20,000 times in all/)
  })

  test('a link out of the project, a pipe and a huge file are refused', async () => {
    const file = await project({
      'net.yaml':
        '!Net\nlink: !include link.yaml\npipe: !include pipe.yaml\nhuge: !include huge.yaml\ndevice: !include zero.yaml\n',
      'huge.yaml': '1\n',
    })
    const own = dirname(file)
    await writeFile(join(folder, 'outside.yaml'), 'no-real-token\n')
    await symlink(join(folder, 'outside.yaml'), join(own, 'link.yaml'))
    await symlink('/dev/zero', join(own, 'zero.yaml'))
    await truncate(join(own, 'huge.yaml'), 2 ** 30)
    assert.equal(spawnSync('mkfifo', [join(own, 'pipe.yaml')]).status, 0)
    const problems = await checkFile(file, { registry })
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['INCLUDE_OUTSIDE', 'UNREADABLE', 'INCLUDE_LIMIT', 'INCLUDE_OUTSIDE'],
    )
    assert.doesNotMatch(JSON.stringify(problems), /no-real-token/)
    assert.deepEqual(
      (await checkFile(file, { registry, includeRoot: folder })).map(({ code }) => code),
      ['UNREADABLE', 'INCLUDE_LIMIT', 'INCLUDE_OUTSIDE'],
    )
  })

  test('nothing outside the project shows in a problem: no name, and not whether a file exists', async () => {
    const outside = join(folder, 'beyond')
    await mkdir(outside)
    await writeFile(join(outside, 'payroll.yaml'), '1\n')
    const names = [
      'link/payrol.yaml',
      'link/payroll.yaml',
      'nothing/a.yaml',
      'no.yaml',
      'yes.yaml',
      'back.yaml',
    ]
    const file = await project({
      'net.yaml': `!Net\n${names.map((name, index) => `a${index}: !include ${name}\n`).join('')}`,
    })
    const own = dirname(file)
    await symlink(outside, join(own, 'link'))
    await symlink(join(outside, 'nothing'), join(own, 'nothing'))
    await symlink(join(outside, 'payrol.yaml'), join(own, 'no.yaml'))
    await symlink(join(outside, 'payroll.yaml'), join(own, 'yes.yaml'))
    await symlink(join(outside, 'back'), join(own, 'back.yaml'))
    await symlink(join(own, 'missing.yaml'), join(outside, 'back'))
    const problems = await checkFile(file, { registry })
    assert.deepEqual(
      problems.map(({ code }) => code),
      [...Array(5).fill('INCLUDE_OUTSIDE'), 'NO_FILE'],
    )
    assert.doesNotMatch(problems.map(({ message }) => message).join('\n'), /did you mean/)
  })

  test('a hard link to the secrets file is not included', async () => {
    const file = await project({
      'net.yaml': '!Net\na: !include data.yaml\n',
      'keys.ini': '[A]\nkey = no-real-token\n',
    })
    const secrets = join(dirname(file), 'keys.ini')
    await link(secrets, join(dirname(file), 'data.yaml'))
    const context = new SafeExecutionContext(file, { registry })
    await assert.rejects(context.preprocess({ secrets }), { code: 'INCLUDE_SECRET' })
    await writeFile(secrets, '[A]\n')
    const parsed = new SafeExecutionContext(file, { registry })
    await parsed.firstParse()
    await assert.rejects(parsed.preprocess({ secrets }), { code: 'INCLUDE_SECRET' })
  })

  test('the secrets file is not included, even if it is YAML', async () => {
    const file = await project({
      'net.yaml': '!Net\na: !include keys.yaml\n',
      'keys.yaml': '[A]\nkey = no-real-token\n',
    })
    const said: string[] = []
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error: (text: unknown) => void said.push(String(text)),
    }
    const outcome = await runFile(file, { registry, logger, secrets: join(dirname(file), 'keys.yaml') })
    assert.ok(!outcome.ok && (outcome.error as DocumentError).code === 'INCLUDE_SECRET', said.join())
    assert.doesNotMatch(said.join(), /no-real-token/)
  })

  test('the root of includes must be a folder', async () => {
    const file = await project({ 'net.yaml': '!Net\na: !include b.yaml\n', 'b.yaml': '1\n' })
    for (const includeRoot of [join(dirname(file), 'nothing'), file])
      await assert.rejects(loadFile(file, { registry, includeRoot }), { code: 'NO_FOLDER' })
  })

  test('a file that changes after it was read does not change what was loaded', async () => {
    const file = await project({ 'net.yaml': '!Net\na: !include part.yaml\n', 'part.yaml': 'n: 1\n' })
    const net = (await loadFile(file, { registry })) as Net
    await writeFile(join(dirname(file), 'part.yaml'), 'n: 2\n')
    assert.equal(dump(net, { registry, resolved: true }), '!Net\na:\n  n: 1\n')
  })
})

describe('dump', () => {
  const files = {
    'net.yaml':
      '# the net\n!Net   # a tag\nlayers:\n  - !include layer.yaml   # first\n\n  -   !include   sub/two.yaml\n  - !Layer { units:   4 }\nlast: &l !include layer.yaml\nagain: *l\n',
    'layer.yaml': '# a layer\n!Layer\nunits: 3    # three\n',
    'sub/two.yaml': '!include ../layer.yaml\n',
  }

  test('is the file, byte for byte, as long as nothing changed', async () => {
    const net = await read(files)
    assert.equal(dump(net, { registry }), files['net.yaml'])
  })

  test('writes out only the included part that changed', async () => {
    const net = await read(files)
    setSerializableAttr(net.options.layers[0], 'units', 9)
    const text = dump(net, { registry })
    assert.match(text, /units: 9 # three/)
    assert.match(text, /- !include {1,3}sub\/two\.yaml/)
    assert.match(text, /last: &l !include layer\.yaml/)
  })

  test('an included part that moves keeps its include', async () => {
    const net = await read(files)
    net.options.layers.reverse()
    const text = dump(net, { registry })
    assert.ok(text.indexOf('sub/two.yaml') < text.indexOf('!include layer.yaml'), text)
  })

  test('resolved is one file with the comments, which loads to an equal graph', async () => {
    const net = await read(files)
    const resolved = dump(net, { registry, resolved: true })
    assert.doesNotMatch(resolved, /!include/)
    for (const comment of ['# the net', '# a layer', '# first', '# three'])
      assert.ok(resolved.includes(comment), comment)
    const again = load(resolved, { registry }) as Net
    assert.deepEqual(again, net)
    assert.equal(again.options['last'], again.options['again'])
  })

  test('constructs nothing of what "<<" merges where nothing was constructed', async () => {
    const made: object[] = []
    const own = new Registry()
    own.add(
      class Once {
        constructor(readonly options: object) {
          made.push(options)
        }
      },
      '!Once',
    )
    own.add(class Repeat {}, '!Repeat', { templates: ['each'] })
    const files = {
      'a.yaml': '!Repeat\neach:\n  <<: !include b.yaml\n  n: 1\n',
      'b.yaml': '{ one: !Once { n: 1 } }\n',
    }
    const text = '!Repeat\neach:\n  <<: { one: !Once { n: 1 } }\n  n: 1\n'
    const file = await project(files)
    assert.equal(dump(await loadFile(file, { registry: own }), { registry: own, resolved: true }), text)
    assert.equal((await resolveFile(file, { registry: own })).text, text)
    const top = await project({ ...files, 'a.yaml': '!Any\n<<: !include b.yaml\nn: 1\n' })
    const { text: resolved } = await resolveFile(top, { registry: own })
    assert.equal(resolved, '!Any\n<<: { one: !Once { n: 1 } }\nn: 1\n')
    assert.deepEqual(made, [])
  })

  test('doubles what "<<" merges in the order that resolveFile has', async () => {
    const file = await project({
      'a.yaml': '<<: !include b.yaml\nn: 3\n',
      'b.yaml': '{ k: { q: 1 }, n: 2 }\n',
    })
    const { text } = await resolveFile(file, { registry })
    assert.equal(dump(await loadFile(file, { registry }), { registry, resolved: true }), text)
  })

  test('keeps the include of a part whose aliases lead out of it', async () => {
    const parts = {
      'a.yaml': 'x: !include b.yaml#k\ny: !include b.yaml#k # beside\n',
      'b.yaml': 'base: &b { q: 1 }\nk: { m: *b, n: *b }\n',
    }
    const value = await read(parts)
    assert.equal(dump(value, { registry }), parts['a.yaml'])
    value.x.m.q = 2
    assert.equal(dump(value, { registry }), 'x: { m: &b { q: 2 }, n: *b }\ny: !include b.yaml#k # beside\n')
  })

  test('gives what replaces an included part none of the comments of the file', async () => {
    const value = await read({
      'a.yaml': '- !include b.yaml # beside\n- !include b.yaml\n',
      'b.yaml': '# above\nk: 1\n',
    })
    value[0] = null
    assert.equal(dump(value, { registry }), '- null # beside\n- !include b.yaml\n')
  })

  test('paths of nested includes start at the file that is written', async () => {
    const net = await read({
      'net.yaml': '!Net\na: !include sub/a.yaml\n',
      'sub/a.yaml': '!Net\nx: 1\nb: !include b.yaml\n',
      'sub/b.yaml': 'n: 2\n',
    })
    setSerializableAttr(net.options.a, 'x', 5)
    assert.equal(dump(net, { registry }), '!Net\na: !Net\n  x: 5\n  b: !include sub/b.yaml\n')
  })
})
