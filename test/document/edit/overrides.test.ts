import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { dump, Registry } from 'flambeau'
import { z } from 'zod'

const emitted = (file: string) => import(pathToFileURL(join('build/js', file)).href)
const { parse } = await emitted('document/read/parse.js')
const { parseOverrides, overridesOf } = await emitted('document/edit/parse-overrides.js')
const { applyOverrides } = await emitted('document/edit/tree-editor.js')
const { additionProblems } = await emitted('document/edit/additions.js')
const { ProblemList } = await emitted('document/problems.js')
const { Suggester } = await emitted('registry/suggest.js')

class Adam {
  constructor(readonly options: Record<string, unknown> = {}) {}
}
const registry = new Registry()
registry.add(Adam, '!Adam', {
  schema: z.object({ rate: z.number().optional(), inner: z.object({ a: z.number() }) }),
})
registry.add(class Loose {}, '!Loose', { schema: z.looseObject({ rate: z.number() }) })
registry.add(class Free {}, '!Free')
registry.add(class Snake {}, '!Snake', { schema: z.object({ learningRate: z.number() }), keys: 'snake_case' })

/** Plain data of a tree; aliases as the data of their targets, tags as a key. */
function data(node: any): any {
  if (node.kind === 'alias') return data(node.target)
  const tagged = (value: unknown) =>
    node.tag?.startsWith('!') && !node.tag.startsWith('!!') ? { [node.tag]: value } : value
  if (node.kind === 'sequence') return tagged(node.items.map(data))
  if (node.kind === 'scalar') return tagged(node.value)
  return tagged(
    Object.fromEntries(node.entries.map(({ key, value }: any) => [String(data(key)), data(value)])),
  )
}

function edit(text: string, set: unknown) {
  const parsed = parse(text, 'train.yaml')
  assert.deepEqual(parsed.problems, [])
  const { overrides, problems } = parseOverrides(set, registry)
  const list = new ProblemList()
  const tree = applyOverrides(parsed.documents[0].root, overrides, {
    document: parsed.source,
    problems: list,
  })
  return {
    tree,
    root: tree.root,
    problems: [...problems, ...list.problems],
    get value() {
      return data(tree.root)
    },
  }
}

const edited = (text: string, ...set: unknown[]) => {
  const { value, problems } = edit(text, set)
  assert.deepEqual(problems, [])
  return value
}

const problemsOf = (text: string, ...set: unknown[]) =>
  edit(text, set).problems.map(({ file, line, column, endColumn, code, message }: any) => [
    `${file}:${line}:${column}-${endColumn}`,
    code,
    message,
  ])

describe('an override', () => {
  const cases: [what: string, text: string, overrides: string[], value: unknown][] = [
    ['replaces a value', 'a: 1\nb: 2\n', ['a=3'], { a: 3, b: 2 }],
    ['replaces a value of another kind', 'a: {b: 1}\n', ['a=[1, x]'], { a: [1, 'x'] }],
    ['replaces a tagged value', 'a: !B {x: 1}\n', ['a=!C { y: 2 }'], { a: { '!C': { y: 2 } } }],
    ['replaces the document', 'a: 1\n', ['=!C'], { '!C': '' }],
    ['replaces an item', 'a: [1, 2]\n', ['a[0]=8', 'a[-1]=9'], { a: [8, 9] }],
    ['adds a key', 'a: 1\n', ['b=2'], { a: 1, b: 2 }],
    [
      'adds a key below what is null or missing',
      'a:\nb: {}\n',
      ['a.x.y=1', 'b.c.d=2'],
      { a: { x: { y: 1 } }, b: { c: { d: 2 } } },
    ],
    ['adds an option after a tag alone', '!Train\n', ['a=1'], { '!Train': { a: 1 } }],
    [
      'overrides what "<<" brings',
      'x: &x {r: 1}\ny:\n  <<: *x\n',
      ['y.r=2'],
      { x: { r: 1 }, y: { '<<': { r: 1 }, r: 2 } },
    ],
    ['writes null for nothing', 'a: 1\nb: 2\n', ['a=', 'b=  '], { a: null, b: null }],
    [
      'appends',
      'a: [1]\nb:\n- x\n',
      ['a+=[2, 3]', 'b+=!Csv {}'],
      { a: [1, [2, 3]], b: ['x', { '!Csv': {} }] },
    ],
    [
      'appends to what is null or missing',
      'a:\n',
      ['a+=1', 'a+=2', 'b.c+=x'],
      { a: [1, 2], b: { c: ['x'] } },
    ],
    ['appends to a tagged sequence', 'a: !choice [1]\n', ['a+=2'], { a: { '!choice': [1, 2] } }],
    ['removes', 'a: 1\nb: [1, 2, 3]\nc: 4\n', ['~a', '~b[0]', '~b[-1]'], { b: [2], c: 4 }],
    [
      'applies after those before it',
      'a: 1\n',
      ['a=[]', 'a+={b: 1}', 'a[0].b=2', 'a[0].c=3', '~a[0].b'],
      { a: [{ c: 3 }] },
    ],
    [
      'names keys with dots and quotes',
      '"x.y": {"=": 1}\n',
      ['"x.y"."="=2', '"x.y"."+"=3'],
      { 'x.y': { '=': 2, '+': 3 } },
    ],
    [
      'has YAML as its value',
      'a: 1\n',
      ['a=0x10', 'b="1"', "c='x # y'", 'd=|\n  # text\n', 'e=x=y', 'f= z'],
      {
        a: 16,
        b: '1',
        c: 'x # y',
        d: '# text\n',
        e: 'x=y',
        f: 'z',
      },
    ],
    [
      'has a value that only looks like a marker',
      'a: 1\n',
      ['a=....', 'b=---x', 'c="%x"', 'd= ...'],
      { a: '....', b: '---x', c: '%x', d: '...' },
    ],
    ['has a block as its value', 'a: 1\n', ['a=b: 1\nc:\n- 2'], { a: { b: 1, c: [2] } }],
  ]
  for (const [what, text, overrides, value] of cases)
    test(what, () => assert.deepEqual(edited(text, ...overrides), value))

  test('never means the prototype', () => {
    const { root } = edit('a: 1\n', ['__proto__.x=1', 'constructor.prototype.y=2', '"__proto__"+=3'])
    assert.deepEqual(
      root.entries.map(({ key }: any) => key.value),
      ['a', '__proto__', 'constructor'],
    )
    assert.equal(({} as any).x ?? ({} as any).y, undefined)
  })

  test('leaves the anchor of what it replaces, and its aliases follow', () => {
    const { root } = edit('a: &x {r: 1}\nb: *x\nc:\n  <<: *x\n', ['a={ r: 2 }', 'a.s=3'])
    const [a, b, c] = root.entries.map(({ value }: any) => value)
    assert.equal(a.anchor, 'x')
    assert.equal(b.target, a)
    assert.equal(c.entries[0].value.target, a)
    assert.deepEqual(data(b), { r: 2, s: 3 })
  })

  test('replaces an alias itself', () => {
    assert.deepEqual(edited('a: &x 1\nb: *x\n', 'b=2', '~a'), { b: 2 })
  })
})

describe('a record of overrides', () => {
  test('has plain data and objects of classes', () => {
    const adam = new Adam({ rate: 1 })
    const set = { 'a.b': [1, { c: null }], 'd+': adam, e: 'x: # y', f: undefined, '~g': null }
    const { value, problems } = edit('a: {}\nd: []\ng: 1\n', set)
    assert.deepEqual(problems, [])
    assert.deepEqual(value, {
      a: { b: [1, { c: null }] },
      d: [{ '!Adam': { rate: 1 } }],
      e: 'x: # y',
      f: null,
    })
  })

  test('keeps one object that is twice in a value one', () => {
    const shared = new Adam({ rate: 1 })
    const { root } = edit('{}', { a: [shared, shared] })
    const [first, second] = root.entries[0].value.items
    assert.equal(second.target, first)
  })

  test('names paths in its problems', () => {
    const { problems } = edit('a: 1\n', { 'a.b': 1, 'a b': 2, '~a': 3, 'x+': 1, '': 1, '+': 2 })
    assert.deepEqual(
      problems.map(({ file, line, column, code }: any) => `${file}:${line}:${column} ${code}`),
      [
        '<set "a b">:1:2 BAD_PATH',
        '<set "~a">:1:1 BAD_OVERRIDE',
        '<set "+">:1:1 BAD_OVERRIDE',
        '<set "a.b">:1:1 NO_SUCH_PATH',
      ],
    )
  })

  test('is not a text', () => {
    const [problem] = edit('a: 1\n', 'a=1').problems
    assert.match(problem.message, /^"set" takes an array of texts .*, but found a string$/)
    assert.match(edit('a: 1\n', [5]).problems[0].message, /but found a number$/)
  })

  test('is none where it is null', () => assert.deepEqual(edit('a: 1\n', null).value, { a: 1 }))

  test('has values that can be written', () => {
    const { problems } = edit('a: 1\n', { a: () => 1, b: new (class Unknown {})(), '~c': null })
    assert.deepEqual(
      problems.map(({ file, line, column, code }: any) => `${file}:${line}:${column} ${code}`),
      ['<set "a">:1:1 BAD_OVERRIDE', '<set "b">:1:1 BAD_OVERRIDE', '<set "~c">:1:2 NO_SUCH_PATH'],
    )
    assert.match(problems[0].message, /function/)
    assert.match(problems[1].message, /Unknown/)
  })
})

describe('is refused and framed as it was typed', () => {
  const document = `base: &base
  rate: 1
  inner: [1]
copy: *base
own: { <<: *base, name: x }
layers: [64, 32]
rate: 5
empty:
tagged: !Adam {}
ref: !ref base.inner
`
  const cases: [what: string, override: string, position: string, code: string, message: RegExp][] = [
    [
      'a missing "="',
      'layers',
      '1-7',
      'BAD_OVERRIDE',
      /^"layers" has no "=": write "layers=VALUE" to set it, or "~layers" to remove it$/,
    ],
    ['nothing', '', '1-1', 'BAD_OVERRIDE', /^An override is empty/],
    ['a quote of cmd.exe', "'rate=1'", '1-2', 'BAD_OVERRIDE', /cmd\.exe/],
    ['an append without a path', '+=1', '1-4', 'BAD_OVERRIDE', /^A path is missing before "\+="/],
    ['a removal without a path', '~', '1-2', 'BAD_OVERRIDE', /^A path is missing after "~"/],
    ['a removal with a value', '~rate=1', '6-8', 'BAD_OVERRIDE', /^A removal has no value/],
    [
      'a wrong path',
      'a b=1',
      '2-3',
      'BAD_PATH',
      /must be in double quotes, and the argument in single quotes: write '"a b"=1'$/,
    ],
    ['a wrong path to remove', '~x.a b[0]', '5-6', 'BAD_PATH', /in single quotes: write '~x\."a b"\[0\]'$/],
    [
      'a wrong path without a "="',
      'a b',
      '1-4',
      'BAD_OVERRIDE',
      /^"a b" has no "=": write "PATH=VALUE" to set a value/,
    ],
    ['a quote that hides the "="', '"a=1', '1-5', 'BAD_PATH', /^The double quote is not closed/],
    [
      'a comma',
      'rate=,',
      '6-7',
      'BAD_SCALAR_START',
      /^A string without quotes cannot start with ",": put it in quotes, ','$/,
    ],
    ['a tab', 'rate=\tx: 1', '6-7', 'TAB_AS_INDENT', /^A value cannot begin with a tab: remove it$/],
    [
      'a path through a reference',
      'ref.x=1',
      '5-6',
      'NO_SUCH_PATH',
      /^"ref" is a "!ref" to "base\.inner": write "base\.inner\.x"$/,
    ],
    [
      'a comment',
      'rate=#fff',
      '6-10',
      'BAD_OVERRIDE',
      /^"#" starts a comment in YAML: put the value in quotes, "#fff",/,
    ],
    ['a comment at the end', 'rate=1 # x', '8-11', 'BAD_OVERRIDE', /^"#" starts a comment/],
    [
      'an alias',
      'rate=[*base]',
      '7-12',
      'BAD_OVERRIDE',
      /^"\*base" is an alias, which an override cannot have: write "!ref PATH"/,
    ],
    ['a pattern', 'rate=*.csv', '6-11', 'UNKNOWN_ALIAS', /put it in quotes, '\*\.csv'$/],
    ['an anchor', 'rate=&a 1', '9-10', 'BAD_OVERRIDE', /^"&a" is an anchor/],
    [
      'a directive',
      'rate=%YAML 1.1',
      '6-15',
      'BAD_OVERRIDE',
      /^A value that begins with "%" .*: put it in quotes, "%YAML 1\.1"/,
    ],
    ['a percent sign', 'rate=%x', '6-8', 'BAD_OVERRIDE', /^A value that begins with "%".*"%x"/],
    [
      'the end of a document',
      'rate=...',
      '6-9',
      'BAD_OVERRIDE',
      /^A value that begins with "\.\.\.".*"\.\.\."/,
    ],
    [
      'the start of a document',
      'rate=--- 5',
      '6-11',
      'BAD_OVERRIDE',
      /^A value that begins with "---".*"--- 5"/,
    ],
    ['a second document', 'rate=1\n--- 2', '5-6', 'BAD_OVERRIDE', /remove "---"/],
    ['a value after the end of a document', 'rate=1\n...\n', '1-4', 'BAD_OVERRIDE', /remove "\.\.\."/],
    ['wrong YAML', 'rate=[1', '6-7', 'BAD_FLOW', /./],
    ['a duplicate key', 'rate={a: 1, a: 2}', '13-14', 'DUPLICATE_KEY', /"a"/],
    [
      'an unknown key on the way',
      'layer[0]=1',
      '1-6',
      'NO_SUCH_PATH',
      /^The document has no key "layer": did you mean "layers"\?$/,
    ],
    ['an unknown key to remove', '~rat', '2-5', 'NO_SUCH_PATH', /did you mean "rate"\?$/],
    [
      'an index out of range',
      'layers[2]=1',
      '7-10',
      'NO_SUCH_PATH',
      /^"layers" has 2 items, so there is no "\[2\]"$/,
    ],
    ['a name in a sequence', 'layers.x=1', '8-9', 'NO_SUCH_PATH', /write "layers\[0\]"/],
    [
      'a path below a number',
      'rate.x=1',
      '6-7',
      'NO_SUCH_PATH',
      /^"rate" is the number 6, so it has no "x"$/,
    ],
    [
      'a path through an alias',
      'copy.rate=1',
      '6-10',
      'NO_SUCH_PATH',
      /^"copy" is the alias "\*base": write "base\.rate", the path of its anchor$/,
    ],
    ['an append to an alias', 'copy+=1', '1-5', 'NO_SUCH_PATH', /write "base", the path of its anchor$/],
    [
      'a path through a merged key',
      'own.inner[0]=1',
      '5-10',
      'NO_SUCH_PATH',
      /^"own\.inner" comes from "<<": write "base\.inner\[0\]", its own path$/,
    ],
    [
      'an append to a merged key',
      'own.inner+=1',
      '5-10',
      'NO_SUCH_PATH',
      /write "base\.inner", its own path$/,
    ],
    [
      'the removal of a merged key',
      '~own.rate',
      '6-10',
      'NO_SUCH_PATH',
      /^"own\.rate" comes from "<<": write "base\.rate"/,
    ],
    ['a "<<" that is no mapping', 'own.<<=5', '1-9', 'BAD_OVERRIDE', /^"<<" takes a mapping/],
    [
      'the removal of what has aliases',
      '~base',
      '1-6',
      'HAS_ALIASES',
      /^"base" cannot be removed: "\*base" at train\.yaml:4:7 refers to "&base" in it, so override that first$/,
    ],
    [
      'an append to a mapping',
      'base+=1',
      '1-8',
      'NOT_A_SEQUENCE',
      /^"base" is a mapping, but "\+=" appends an item to a sequence/,
    ],
    ['an append to a number', 'rate+=1', '1-8', 'NOT_A_SEQUENCE', /^"rate" is the number 6/],
    ['an append to an object', 'tagged+=1', '1-10', 'NOT_A_SEQUENCE', /^"tagged" is a/],
  ]
  for (const [what, override, columns, code, message] of cases)
    test(what, () => {
      const found = problemsOf(document, 'rate=6', override)
      assert.equal(found.length, 1, JSON.stringify(found))
      const [position, foundCode, foundMessage] = found[0]!
      assert.match(foundMessage, message)
      const lines = override.includes('\n') ? '2' : '1'
      if (code !== 'BAD_FLOW')
        assert.deepEqual([position, foundCode], [`<argument 2>:${lines}:${columns}`, code])
      else assert.match(position, /^<argument 2>:1:[678]-/)
    })

  test('what contains an anchor that is used elsewhere', () => {
    const text = 'a:\n  b: &b [1]\nc: *b\n'
    assert.deepEqual(
      problemsOf(text, 'a=1', '~a').map(([, code]: string[]) => code),
      ['HAS_ALIASES', 'HAS_ALIASES'],
    )
    assert.deepEqual(edited(text, 'c=2', 'a=1'), { a: 1, c: 2 })
    assert.deepEqual(edited('a: {b: &b 1, c: *b}\n', '~a'), {})
  })

  test('each, in one list', () => {
    const found = problemsOf('a: 1\n', 'b', 'a.x=1', 'c=#', '~d', 'e=[*x, *y]')
    assert.deepEqual(
      found.map(([position]: string[]) => position!.split(':')[0]),
      ['<argument 1>', '<argument 3>', '<argument 5>', '<argument 5>', '<argument 2>', '<argument 4>'],
    )
  })

  test('with its frame', () => {
    const [problem] = edit('a: {}\n', ['x=1', 'a.b[0]=1']).problems
    assert.equal(problem.frame, '1 | a.b[0]=1\n  |   ^')
  })
})

describe('an option that an override adds', () => {
  const unknown = (text: string, ...set: string[]) => {
    const { tree, problems } = edit(text, set)
    assert.deepEqual(problems, [])
    return additionProblems(tree.additions, registry, new Suggester()).map(
      ({ file, line, column, code, message, hint }: any) => [
        `${file}:${line}:${column}`,
        code,
        message,
        hint,
      ],
    )
  }
  test('is in its schema', () => {
    assert.deepEqual(unknown('!Adam {}', 'rate=1', 'inner.a=2', 'inner={}'), [])
    assert.deepEqual(unknown('a: !Adam {}\n', 'a.rat=1', 'a.inner.b=2', 'b=3'), [
      [
        '<argument 1>:1:3',
        'UNKNOWN_OPTION',
        'Option "rat" of "!Adam" is unknown: did you mean "rate"?',
        'rate',
      ],
      ['<argument 2>:1:9', 'UNKNOWN_OPTION', 'Option "inner.b" of "!Adam" is unknown: remove it', undefined],
    ])
    assert.deepEqual(
      unknown('!Adam', 'inne.a=1', 'constructor=2').map(([place]: string[]) => place),
      ['<argument 1>:1:1', '<argument 2>:1:1'],
    )
  })

  test('is free where the schema takes any, and where there is none', () => {
    assert.deepEqual(unknown('[!Loose { rate: 1 }, !Free , {a: 1}]', '[0].x=1', '[1].x.y=1', '[2].x=1'), [])
  })

  test('is named in the style of its class', () => {
    assert.deepEqual(unknown('!Snake {}', 'learning_rate=1'), [])
    assert.match(unknown('!Snake {}', 'lerning_rate=1')[0][2], /did you mean "learning_rate"\?$/)
  })
})

describe('the overrides of a mapping in a file', () => {
  const read = (text: string) => {
    const { source, documents } = parse(text, 'top.yaml')
    return { source, ...overridesOf(documents[0].root, source) }
  }

  test('have values as in any file', () => {
    const { source, overrides, problems } = read('a.b: 1\n"c d": x\n\'"e.f"[0]\': !T {}\ng+: 2\n~h:\n')
    assert.equal(problems.length, 1)
    assert.match(problems[0].message, /write "c d"$/)
    assert.deepEqual(
      overrides.map(({ operation, steps }: any) => [operation, steps.length]),
      [
        ['set', 2],
        ['set', 2],
        ['append', 1],
        ['remove', 1],
      ],
    )
    const { problems: list } = { problems: new ProblemList() }
    const { root } = parse('a: {b: 0}\n"e.f": [1]\ng: []\nh: 1\n', 'base.yaml').documents[0]
    const tree = applyOverrides(root, overrides, { document: source, problems: list })
    assert.deepEqual(list.problems, [])
    assert.deepEqual(data(tree.root), { a: { b: 1 }, 'e.f': [{ '!T': {} }], g: [2] })
  })

  test('may be a list of mappings, and have their problems in the file', () => {
    const { problems } = read('- a.: 1\n- ~b: 2\n- 5\n')
    assert.deepEqual(
      problems.map(({ file, line, column, code }: any) => `${file}:${line}:${column} ${code}`),
      ['top.yaml:1:4 BAD_PATH', 'top.yaml:2:7 BAD_OVERRIDE', 'top.yaml:3:3 BAD_OVERRIDE'],
    )
  })
})

describe('as many overrides as', () => {
  const many = 100_000
  test('100,000 keys are replaced, added and removed', () => {
    const text = Array.from({ length: many }, (_, index) => `k${index}: ${index}\n`).join('')
    const set = Array.from({ length: many }, (_, index) => {
      if (index % 3 === 0) return `k${index}=x`
      return index % 3 === 1 ? `~k${index}` : `n${index}=[${index}]`
    })
    const value = edited(text, ...set)
    assert.equal(value['k0'], 'x')
    assert.equal(value['k1'], undefined)
    assert.deepEqual(value['n2'], [2])
    assert.equal(Object.keys(value).length, many - Math.floor(many / 3) + Math.floor(many / 3))
  })

  test('100,000 aliases refer to what each replaces', () => {
    const text = `a: &a 1\nb: [${'*a, '.repeat(many)}]\n`
    const set = Array.from({ length: many }, (_, index) => `a=${index}`)
    const { root, problems } = edit(text, set)
    assert.deepEqual(problems, [])
    assert.equal(root.entries[1].value.items.at(-1).target.value, many - 1)
  })

  test('100,000 are wrong, of which the first are reported', () => {
    const text = `a: &a {b: &b 1, c: [${'0, '.repeat(many)}]}\nd: *a\ne: *b\n`
    const set = Array.from({ length: many }, (_, index) => (index % 2 ? '~a' : `x${index}.y[0]=1`))
    const { problems } = edit(text, set)
    assert.equal(problems.length, 1_001)
    assert.equal(problems.at(-1).code, 'MORE_PROBLEMS')
  })

  test('values are nested as deep as a file may be', () => {
    const path = (depth: number) => Array(depth).fill('a').join('.')
    const list = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    const problems = problemsOf(
      'x: 1\n',
      `${path(300)}=${list(200)}`,
      `b.${path(300)}=${list(200)}`,
      `${path(300)}[0]=1`,
    )
    assert.deepEqual(
      problems.map(([position, code]: string[]) => `${position} ${code}`),
      ['<argument 2>:1:1-1003 TOO_DEEP'],
    )
    const set = Array.from({ length: 500 }, (_, index) => `x${'[0]'.repeat(index)}+=[]`)
    const found = problemsOf('x: []\n', ...set)
    assert.deepEqual(
      found.map(([position, code]: string[]) => `${position!.split(':')[0]} ${code}`),
      ['<argument 499> TOO_DEEP', '<argument 500> TOO_DEEP'],
    )
  })

  test('"<<" is nested 20,000 deep', () => {
    const items = Array.from({ length: 20_000 }, (_, index) => `- &a${index + 1} {<<: *a${index}}\n`)
    const text = `- &a0 { x: { q: 1 } }\n${items.join('')}`
    assert.match(
      problemsOf(text, '[-1].x.q=1')[0]![2],
      /^"\[-1\]\.x" comes from "<<": write "\[0\]\.x\.q", its own path$/,
    )
  })

  test('a megabyte has a path', () => {
    const steps = 2 ** 19
    assert.equal(problemsOf('a: 1\n', `a${'.a'.repeat(steps)}=1`)[0]![1], 'TOO_DEEP')
    assert.deepEqual(Object.keys(edited('a: 1\n', `${'k'.repeat(2 ** 20)}=1`)).length, 2)
  })
})

test('the dump of a loaded object is a value', () => {
  assert.equal(dump(new Adam({ rate: 1 }), { registry }), '!Adam\nrate: 1\n')
})
