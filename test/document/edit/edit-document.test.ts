import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { check, dump, FlambeauError, load, loadFile, Registry } from 'flambeau'
import { z } from 'zod'
import { random } from '../../support/random.js'
import {
  type Part,
  partAt,
  partOf,
  partsOf,
  plain,
  put,
  RandomDocument,
  remove,
  type Step,
  typedValues,
} from '../../support/random-overrides.js'

const emitted = (file: string) => import(pathToFileURL(join('build/js/document', file)).href)
const { parse } = await emitted('read/parse.js')
const { parseOverrides } = await emitted('edit/parse-overrides.js')
const { editDocument } = await emitted('edit/edit-document.js')
const { printPath } = await emitted('path.js')

class Box {
  constructor(readonly options: Record<string, unknown> = {}) {}
}
const registry = new Registry()
registry.add(Box, '!Box')

const seed = Number(
  process.env['SEED'] ?? [...import.meta.url].reduce((sum, letter) => sum + letter.charCodeAt(0), 0),
)
const pairs = Number(process.env['EDIT_PAIRS'] ?? 2_000)

function edit(text: string, set: unknown, index = 0) {
  const { overrides, problems } = parseOverrides(set, registry)
  const edited = editDocument(parse(text, 'train.yaml'), index, { overrides })
  return { ...edited, text: edited.parsed.source.text, problems: [...problems, ...edited.problems] }
}

describe('an edited text', () => {
  const cases: [what: string, text: string, set: string[], edited: string][] = [
    [
      'keeps comments, and loses those of what is removed',
      '# top\n\na: 1   # one\n# about b\nb: 2  # two\n  # deeper\n# about c\nc: 3\n# end\n',
      ['a=5', '~b', 'd=4'],
      '# top\n\na: 5   # one\n# about c\nc: 3\nd: 4\n# end\n',
    ],
    [
      'has values as they were typed',
      'a: 1\n',
      ["b='x'", 'c=0x10', 'd=!T { r:  1 }'],
      "a: 1\nb: 'x'\nc: 0x10\nd: !T { r:  1 }\n",
    ],
    [
      'keeps CRLF',
      'a: 1\r\nb:\r\n  c: 2\r\n',
      ['b.d=x: 1\ny: 2'],
      'a: 1\r\nb:\r\n  c: 2\r\n  d:\r\n    x: 1\r\n    y: 2\r\n',
    ],
    ['keeps a byte order mark', '\ufeffa: 1\nb: 2\n', ['~a'], '\ufeffb: 2\n'],
    ['keeps a missing line end', 'a: 1\nb: 2', ['~b', 'c=3'], 'a: 1\nc: 3'],
    ['becomes empty brackets', 'a:\n  b: 1\nc:\n- 1 # x\n', ['~a.b', '~c[0]'], 'a: {}\nc: []\n'],
    [
      'has a block in the place of a value',
      'a: 5 # five\n',
      ['a=b: 1\nc:\n- 2'],
      'a: # five\n  b: 1\n  c:\n  - 2\n',
    ],
    [
      'has a value in the place of a block',
      'a: # head\n  b: 1 # one\n  c: 2\nd: 1\n',
      ['a=5'],
      'a: 5 # head\nd: 1\n',
    ],
    [
      'fills in empty values',
      'a:\nb: # c\nc: !T\n',
      ['a=1', 'b.x=2', 'c.y=3'],
      'a: 1\nb: # c\n  x: 2\nc: !T\n  y: 3\n',
    ],
    [
      'appends as the items above',
      'a:\n  - 1 # one\nb: 1\n',
      ['a+=x: 1\ny: 2'],
      'a:\n  - 1 # one\n  - x: 1\n    y: 2\nb: 1\n',
    ],
    [
      'changes flow collections',
      'a: [1, 2] # x\nb: {c: 1}\n',
      ['a+=3', '~a[0]', 'b.d=a, b', '~b.c'],
      'a: [2, 3] # x\nb: { d: "a, b" }\n',
    ],
    [
      'changes flow collections of several lines',
      'a: [\n  1, # one\n  2, # two\n  3 # three\n]\n',
      ['~a[2]', '~a[0]', 'a+=4'],
      'a: [\n  2, # two\n  4\n]\n',
    ],
    [
      'changes an item on the line of its dash',
      '- a: 1\n  b: 2\n- - x\n  - y\n',
      ['~[0].a', '~[1][0]', '[0].c=3'],
      '- b: 2\n  c: 3\n- - y\n',
    ],
    [
      'keeps block scalars',
      'a: |\n  x\nb: >-\n  y\n  z\nc: 1\n',
      ['b=5', 'c=|\n q\n   r\n'],
      'a: |\n  x\nb: 5\nc: |\n  q\n    r\n',
    ],
    [
      'keeps anchors',
      'a: &x {r: 1}\nb: *x\n',
      ['a=!T { r: 2 }', 'a.s=3'],
      'a: &x !T { r: 2, s: 3 }\nb: *x\n',
    ],
    [
      'is YAML 1.1 where the document is',
      '%YAML 1.1\n---\na: yes\n',
      ['a=yes', 'b=0o10'],
      '%YAML 1.1\n---\na: "yes"\nb: 8\n',
    ],
    [
      'has tags of the core',
      'a: !!str 5\nb: !!set {x, y}\n',
      ['a=!!float 1', '~b.x'],
      'a: !!float 1\nb: !!set {y}\n',
    ],
    ['may begin as nothing', '', ['a.b=1'], 'a:\n  b: 1\n'],
    ['may begin as comments', '# c\n', ['a=1'], '# c\na: 1\n'],
    ['may begin as one value', '5 # five\n', ['=[1]'], '[1] # five\n'],
    ['may begin as a tag', '!Train # c\n', ['a=1', 'b+=x'], '!Train # c\na: 1\nb:\n  - x\n'],
    [
      'quotes keys where it must',
      '{a: 1}\n',
      ['"b, c"=1', 'null=2', '"#"=3'],
      '{a: 1, "b, c": 1, "null": 2, "#": 3}\n',
    ],
  ]
  for (const [what, text, set, edited] of cases)
    test(what, () => {
      const { text: found, problems } = edit(text, set)
      assert.deepEqual(problems, [])
      assert.equal(found, edited)
    })

  test('has its second document changed', () => {
    const text = 'ext: ./ext\n---\n!Run\na: 1 # one\n'
    assert.equal(edit(text, ['a=2', 'b=3'], 1).text, 'ext: ./ext\n---\n!Run\na: 2 # one\nb: 3\n')
  })

  test('is the same object where nothing is changed', () => {
    const parsed = parse('a: 1\n', 'train.yaml')
    assert.equal(editDocument(parsed, 0, { overrides: [] }).parsed, parsed)
    assert.equal(editDocument(parsed, 0, parseOverrides(['~b'], registry)).parsed, parsed)
  })

  test('is written anew where a part of it cannot be replaced', () => {
    const { text, parsed } = edit('? a # c\n: 1\n? b\n', ['c=2', '~b', 'a=3'])
    assert.deepEqual(load(text), { a: 3, c: 2 })
    assert.match(text, /# c/)
    assert.equal(parsed.source.position(text.indexOf('2')).column, 3)
  })

  test('is what a loaded value is written as', () => {
    const text = '# top\na: 1 # one\nb: [1]\n'
    const value = load(text, { set: ['a=2', 'b+=!Box { r: 1 }'], registry })
    assert.equal(dump(value), '# top\na: 2 # one\nb: [1, !Box { r: 1 }]\n')
  })
})

test('as many overrides as 100,000 change a text in one block or on one line', () => {
  const many = 100_000
  const set = Array.from({ length: many }, (_, index) => (index % 2 ? `a[${index}]=x` : 'b+=y'))
  const block = edit(`a:\n${'- 1\n'.repeat(many)}b: []\n`, set)
  assert.deepEqual(block.problems, [])
  assert.ok(block.text.startsWith('a:\n- 1\n- x\n- 1\n- x\n'))
  const line = edit(`a: [${'1, '.repeat(many)}]\nb: []\n`, set)
  assert.ok(line.text.startsWith('a: [1, x, 1, x, '))
  assert.equal(line.text.match(/y/g)!.length, many / 2)
})

describe('positions in an edited text', () => {
  const strict = new Registry()
  strict.add(Box, '!Box', {
    schema: z.strictObject({ rate: z.number(), more: z.array(z.number()).optional() }),
  })
  const found = (text: string, ...set: string[]) =>
    check(text, { set, registry: strict, filename: 'train.yaml' } as any).map(
      ({ file, line, column, endColumn, message, related, frame }) => ({
        at: `${file}:${line}:${column}-${endColumn}`,
        message,
        related: related?.map(({ message, file, line, column }) => `${message} ${file}:${line}:${column}`),
        frame,
      }),
    )

  test('are those of the override, with what it replaces', () => {
    const [problem, ...rest] = found('# top\na: !Box\n  # the rate\n  rate: 1\n', 'a.more=[1]', 'a.rate=high')
    assert.deepEqual(rest, [])
    assert.equal(problem!.at, '<argument 2>:1:8-12')
    assert.deepEqual(problem!.related, ['replaces train.yaml:4:9'])
    assert.equal(problem!.frame, '1 | a.rate=high\n  |        ^^^^')
  })

  test('are those of the file for what stays', () => {
    const [problem] = found('x: 1\na: !Box { rate: [] }\nb: 1\n', '~x', 'b=y: 1\nz: 2')
    assert.equal(problem!.at, 'train.yaml:2:17-19')
    assert.equal(problem!.related, undefined)
  })

  test('of keys are the parts of the path', () => {
    const [problem] = found('a: !Box { rate: 1 }\n', 'a.rat=1')
    assert.equal(problem!.at, '<argument 1>:1:3-6')
    assert.match(problem!.message, /did you mean "rate"\?$/)
  })

  test('are right in values that are written in another way', () => {
    const problems = found('{ a: !Box { rate: 1 } }\n', 'a.more=- 1\n- x\n', 'b=!Box\nrate:\n  - 1\n')
    assert.deepEqual(
      problems.map(({ at }) => at),
      ['<argument 1>:2:3-4', '<argument 2>:3:3-6'],
    )
  })
})

describe('overrides of what is composed', () => {
  const files: Record<string, string> = {
    'top.yaml':
      '# top\ndata: !include sub/data.yaml # the data\nx: &e 1\ny: *e\nbase: !extends\n  file: base.yaml\n  set:\n    a.b: 2\n',
    'sub/data.yaml': '# about the path\npath: a.csv # one\nmore: !include more.yaml\nz: &e [x]\nz2: *e\n',
    'sub/more.yaml': 'deep: 1\n',
    'base.yaml': 'a: { b: 1, c: 1 }\nlist: [1]\nold: 1\n',
  }
  const compose = async (set: string[]) => {
    const folder = mkdtempSync(join(tmpdir(), 'edit-'))
    try {
      mkdirSync(join(folder, 'sub'))
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      const value: any = await loadFile(join(folder, 'top.yaml'), { set, registry })
      return { value, text: dump(value) }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  const top = files['top.yaml']!

  test('put an included part in the place of its "!include"', async () => {
    const { value, text } = await compose(['data.path=b.csv'])
    const part = [
      'data: # the data',
      '  # about the path',
      '  path: b.csv # one',
      '  more: !include sub/more.yaml',
      '  z: &a1 [x]',
      '  z2: *a1',
    ]
    assert.equal(text, top.replace('data: !include sub/data.yaml # the data', part.join('\n')))
    assert.deepEqual(value.data, { path: 'b.csv', more: { deep: 1 }, z: ['x'], z2: ['x'] })
  })

  test('leave the "!include" of a part that they do not touch', async () => {
    const { value, text } = await compose(['x=5', 'data.more.deep=2'])
    assert.match(text, /^# top\ndata: # the data\n(?: {2}.*\n){2} {2}more:\n {4}deep: 2\n/)
    assert.deepEqual([value.y, value.data.more], [5, { deep: 2 }])
  })

  test('are appended to the "set" of an "!extends"', async () => {
    const { value, text } = await compose(['base.a.c=5', 'base.list+=2', '~base.old', 'base.n.m={ x: 1 }'])
    assert.equal(text, `${top}    a.c: 5\n    list+: 2\n    ~old:\n    n.m: { x: 1 }\n`)
    assert.deepEqual(value.base, { a: { b: 2, c: 5 }, list: [1, 2], n: { m: { x: 1 } } })
  })

  test('change what the "set" of an "!extends" has already', async () => {
    const { value, text } = await compose(['base.a.b=7'])
    assert.equal(text, top.replace('a.b: 2', 'a.b: 7'))
    assert.equal(value.base.a.b, 7)
  })

  test('may include files themselves', async () => {
    const { value, text } = await compose([
      'x=!include sub/more.yaml',
      '~y',
      'w=!include sub/more.yaml',
      'w.deep=3',
    ])
    assert.match(text, /\nx: &e !include sub\/more\.yaml\n/)
    assert.deepEqual([value.x, value.w], [{ deep: 1 }, { deep: 3 }])
  })
})

describe(`overrides of a document that extends another (seed ${seed})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'edit-extends-'))
  after(() => rmSync(folder, { recursive: true }))
  const top = join(folder, 'top.yaml')
  const edited = async (base: string, text: string, set: string[]) => {
    writeFileSync(join(folder, 'base.yaml'), base)
    writeFileSync(top, text)
    const value: any = await loadFile(top, { set, registry })
    return { value, text: dump(value) }
  }
  const reloaded = async (text: string) => {
    writeFileSync(top, text)
    return loadFile(top, { registry })
  }
  const extending = (...set: string[]) =>
    `x: !extends\n  file: base.yaml\n  set:\n${set.map((line) => `    ${line}\n`).join('')}`

  const cases: [what: string, base: string, before: string[], set: string[], x: unknown, after: string[]][] =
    [
      [
        'come after a removal that moves their item',
        'layers: [1, 2, 3]\n',
        ['"layers[1]": 5 # five', '"~layers[0]":'],
        ['x.layers[1]=9'],
        { layers: [5, 9] },
        ['- "layers[1]": 5 # five', '  "~layers[0]":', '- "layers[1]": 9'],
      ],
      [
        'come after another name of their item',
        'layers: [1, 2]\n',
        ['"layers[1]": 5', '"layers[-1]": 6'],
        ['x.layers[1]=9'],
        { layers: [1, 9] },
        ['- "layers[1]": 5', '  "layers[-1]": 6', '- "layers[1]": 9'],
      ],
      [
        'keep their order after a removal',
        'opt: { rate: 1, more: 2 }\n',
        ['opt.rate: 5'],
        ['~x.opt', 'x.opt.rate=7'],
        { opt: { rate: 7 } },
        ['- opt.rate: 5', '- ~opt:', '- opt.rate: 7'],
      ],
      [
        'keep their order before a value around them',
        'layers: []\n',
        ['layers: [7, 8]'],
        ['x.layers[0]=1', 'x.layers=[5, 6]'],
        { layers: [5, 6] },
        ['- layers: [7, 8]', '- "layers[0]": 1', '- layers: [5, 6]'],
      ],
      [
        'are one where one changes the value of another',
        'a: 1\n',
        ['a: 2'],
        ['x.l=[1]', 'x.l+=2', '~x.l[0]'],
        { a: 2, l: [2] },
        ['a: 2', 'l:', '  - 2'],
      ],
      [
        'may append twice',
        'l: [1]\n',
        ['a: 2'],
        ['x.l+=2', 'x.l+=3'],
        { l: [1, 2, 3], a: 2 },
        ['- a: 2', '- l+: 2', '- l+: 3'],
      ],
    ]
  for (const [what, base, before, set, x, after] of cases)
    test(what, async () => {
      const { value, text } = await edited(base, extending(...before), set)
      assert.deepEqual(value, { x })
      assert.equal(text, extending(...after))
      assert.deepEqual(await reloaded(text), { x })
    })

  test('are not nested too deep, and "set" neither', async () => {
    const names = (count: number) => Array(count).fill('a').join('.')
    const list = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    const { text } = await edited('b:\n', extending('b: 1'), [`x.${names(299)}=${list(200)}`])
    await reloaded(text)
    await assert.rejects(
      edited('b:\n', extending('b: 1'), [`x.${names(300)}=${list(200)}`]),
      /500 levels deep/,
    )
    await assert.rejects(
      edited('b:\n', extending(`${names(300)}: ${list(200)}`), []),
      /500 levels deep.*top\.yaml:4:5/s,
    )
  })

  const base = 'l: [1, 2, 3]\no: { r: 1, k: [4, { q: 5 }] }\nn:\n'
  const paths = [
    'l',
    'l[0]',
    'l[1]',
    'l[-1]',
    'o',
    'o.r',
    'o.k',
    'o.k[1]',
    'o.k[1].q',
    'n',
    'n.m',
    'new',
    'new.q',
    '"l"[0]',
  ]
  const typed = ['9', '[7, 8]', '{ q: 6 }', '', '!Box { r: 1 }', '[]']

  test('at random give a text that loads as the edited value', async () => {
    const next = random(seed)
    const below = (count: number) => Math.floor(next() * count)
    const one = <T>(list: readonly T[]) => list[below(list.length)]!
    let loadedCount = 0
    let extended = 0
    for (let count = 0; count < pairs; count++) {
      const lines = new Map<string, string>()
      for (let many = below(4); many > 0; many--) {
        const path = one(paths)
        const key = one([path, path, `${path}+`, `~${path}`])
        lines.set(key, key.startsWith('~') ? '' : one(typed))
      }
      const isList = below(4) === 0
      const before = [...lines].map(([key, value]) => `${isList ? '- ' : ''}'${key}': ${value}`)
      const set = Array.from({ length: 1 + below(4) }, () => {
        const path = `x.${one(paths)}`
        return one([`${path}=`, `${path}=`, `${path}+=`, `~${path}`])
      }).map((text) => (text.startsWith('~') ? text : text + one(typed)))
      const text = extending(...before)
      const found = await edited(base, text, set).catch((error) => {
        assert.ok(error instanceof FlambeauError, `${text}${set.join('\n')}\n${error.stack}`)
      })
      if (!found) continue
      loadedCount++
      if (found.text.includes('!extends')) extended++
      const context = `${text}--- ${set.join('\n--- ')}\n--- is\n${found.text}`
      const again = await reloaded(found.text).catch((error) => assert.fail(`${context}\n${error}`))
      assert.ok(isDeepStrictEqual(again, found.value), `${context}\n${JSON.stringify(again)}`)
    }
    assert.ok(loadedCount > pairs / 8 && extended > loadedCount / 2, `${loadedCount} ${extended}`)
  })
})

describe(`random overrides of random documents (seed ${seed})`, () => {
  let applied = 0
  let lines = 0
  test('give what editing the plain data gives, and leave everything else as it is', () => {
    const next = random(seed)
    for (let count = 0; count < pairs; count++) {
      const document = new RandomDocument(next)
      assert.ok(
        isDeepStrictEqual(load(document.text, { registry }), plain(document.root, Box)),
        document.text,
      )
      const { set, apply } = randomOverrides(document)
      const { text, problems } = edit(document.text, set)
      const context = () => `${document.text}\n--- ${set.join('\n--- ')}\n--- is\n${text}`
      for (const { code } of problems) assert.equal(code, 'HAS_ALIASES', `${context()}\n${code}`)
      const refused = new Set(problems.map(({ file }: any) => file))
      const touched = apply((number) => !refused.has(`<argument ${number}>`))
      applied += set.length - refused.size
      assert.ok(isDeepStrictEqual(loaded(text, context), plain(document.root, Box)), context())
      lines += checkLines(document.text, text, touched, context)
    }
  })

  test('are many', () => assert.ok(applied > pairs && lines > pairs, `${applied} ${lines}`))
})

function loaded(text: string, context: () => string): unknown {
  try {
    return load(text, { registry })
  } catch (cause) {
    throw new Error(`${context()}\n${cause}`, { cause })
  }
}

interface Change {
  readonly text: string
  /** The steps to what it replaces, removes or changes. */
  readonly steps: readonly Step[]
  /** Applies it to the model; returns the parts that it removes. */
  apply(): Part[]
}

function randomOverrides(document: RandomDocument): {
  set: string[]
  apply: (isApplied: (number: number) => boolean) => Set<string>
} {
  const { root } = document
  const before = new Map(
    [...partsOf(root)].map(([steps, part]) => [part, [...keyWords(steps.at(-1)), ...wordsOf(part)]]),
  )
  const changes: Change[] = []
  // Each is chosen for the document before all: those that no longer fit then are left out.
  for (let count = 1 + document.below(4); count > 0; count--) {
    const change = randomChange(document)
    if (change) changes.push(change)
  }
  const apply = (isApplied: (number: number) => boolean) => {
    const touched = new Set<string>()
    for (const [index, change] of changes.entries()) {
      if (!isApplied(index + 1)) continue
      const around = ancestors(root, change.steps)
      for (const part of change.apply()) for (const word of before.get(part) ?? []) touched.add(word)
      // The line of a key may end in another way when its value does, or when that is empty now, or was.
      for (const [depth, part] of around.entries()) {
        const isEmpty = 'items' in part ? part.items.length < 2 : 'entries' in part && part.entries.length < 2
        const isChanged = ('flow' in part && part.flow) || isEmpty
        for (const word of isChanged ? (before.get(part) ?? []) : []) touched.add(word)
        for (const word of isChanged ? keyWords(change.steps[depth - 1]) : []) touched.add(word)
      }
      for (const word of keyWords(change.steps.at(-1))) touched.add(word)
    }
    return touched
  }
  return { set: changes.map(({ text }) => text), apply }
}

const taken = new WeakMap<RandomDocument, Set<string>>()

// No two changes are of one path, or of a path and one above it.
function randomChange(document: RandomDocument): Change | undefined {
  const { root } = document
  const paths = [...partsOf(root)].filter(([steps]) => steps.length > 0)
  const [steps, part] = paths[document.below(paths.length)]!
  const own = taken.get(document) ?? new Set()
  taken.set(document, own)
  const key = JSON.stringify(steps).slice(0, -1)
  if ([...own].some((other) => other.startsWith(key) || key.startsWith(other))) return undefined
  const parent = partAt(root, steps.slice(0, -1))!
  const [typed, value, isTagged] = typedValues[document.below(typedValues.length)]!
  const path = pathText(steps)
  const kind = document.below(5)
  const made = () => partOf(value, isTagged)
  if (kind === 0 && parent.kind === 'map') {
    own.add(key)
    // The entry below may move up to the dash of the first one.
    const next = parent.entries[0]![1] === part ? parent.entries.slice(1, 2) : []
    const apply = () => {
      remove(root, steps)
      return [part, ...next.map(([, value]) => value)]
    }
    return { text: `~${path}`, steps, apply }
  }
  if (kind === 1 && part.kind === 'list') {
    own.add(key)
    const apply = () => {
      part.items.push(made())
      return []
    }
    return { text: `${path}+=${typed}`, steps: [...steps, -1], apply }
  }
  if (kind === 2 && part.kind === 'map') {
    own.add(key)
    const below = document.below(2) ? ['new key', 'below'] : ['new']
    const apply = () => {
      const added = below.length === 1 ? made() : partOf({ below: null })
      if (below.length > 1) put(added, ['below'], made())
      put(root, [...steps, below[0]!], added)
      return []
    }
    return { text: `${pathText([...steps, ...below])}=${typed}`, steps: [...steps, 'new'], apply }
  }
  own.add(key)
  const apply = () => {
    put(root, steps, made())
    return [part]
  }
  return { text: `${path}=${typed}`, steps, apply }
}

function keyWords(step: Step | undefined): string[] {
  return typeof step === 'string' ? step.split(' ') : []
}

function ancestors(root: Part, steps: readonly Step[]): Part[] {
  return steps.map((_, depth) => partAt(root, steps.slice(0, depth))!)
}

function pathText(steps: readonly Step[]): string {
  return printPath(
    steps.map((step) =>
      typeof step === 'number' ? { kind: 'index', index: step } : { kind: 'key', name: step },
    ),
  )
}

function wordsOf(part: Part): string[] {
  return [...partsOf(part)].flatMap(([steps, each]) => [
    ...(each.kind === 'leaf' && each.word ? [each.word] : []),
    ...steps.filter((step) => typeof step === 'string').flatMap((step) => step.split(' ')),
  ])
}

const words = /v\d+w/g

// A line whose words are all of parts that stay is the same line, in the same order.
function checkLines(
  before: string,
  after: string,
  touched: ReadonlySet<string>,
  context: () => string,
): number {
  const expected = before
    .replace('\ufeff', '')
    .split('\n')
    .filter((line) => {
      const [code = ''] = line.split(/ # (?:on|in) |# above /)
      const found = code.match(words)
      return found?.every((word) => !touched.has(word))
    })
  const lines = after.replace('\ufeff', '').split('\n')
  let from = 0
  for (const [index, line] of expected.entries()) {
    const isLast = before.endsWith(line) && index === expected.length - 1
    const place = lines.findIndex(
      (other, number) =>
        number >= from &&
        (other === line ||
          (isLast && other === `${line}\r`) ||
          (`${other}\r` === line && number === lines.length - 1)),
    )
    assert.ok(place >= 0, `${JSON.stringify(line)}\n${context()}`)
    from = place + 1
  }
  return expected.length
}
