import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import type { Problem } from 'flambeau'
import { brokenFiles } from '../../support/broken-files.js'
import { mutate } from '../../support/mutate.js'
import { random } from '../../support/random.js'
import { model, rendered } from '../../support/random-yaml.js'

// What no user calls is imported from what tsc emits.
const { readExactly } = await import(pathToFileURL(join('build/js/document/read/exact-reader.js')).href)

const whole = (text: string) => shown(readExactly(text, '', { large: Infinity }).problems)
const inParts = (text: string) => shown(readExactly(text, '', { isDraft: true, large: 0 }).problems)

function shown(problems: readonly Problem[]): string[] {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
  return sorted.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`)
}

const entries = (count: number, name: string, indent: string) =>
  Array.from({ length: count }, (_, index) =>
    [
      `${name}${index}:`,
      '  image: nginx',
      '  ports: [80, 443]',
      '  steps:',
      '    - run: "x"',
      '      name: y',
    ].join('\n'),
  )
    .join('\n')
    .replace(/^/gm, indent)

// The text as the value of a key, `depth` levels below the root, between entries of the same level.
function embedded(text: string, depth: number, [before, after]: readonly [number, number]): string {
  const indent = '  '.repeat(depth)
  const parents = Array.from({ length: depth }, (_, level) => `${'  '.repeat(level)}level${level}:`)
  const own = text.trimEnd().replace(/^(?=.)/gm, `${indent}  `)
  const parts = [...parents, entries(before, 'above', indent), `${indent}here:`, own]
  return `${[...parts, ...(after > 0 ? [entries(after, 'below', indent)] : [])].join('\n')}\n`
}

// The problems, in lines from `here:` on.
function fromHere(text: string, problems: readonly string[]): string[] {
  const line = text.split('\n').findIndex((each) => each.trim() === 'here:')
  return problems.map((problem) => problem.replace(/^\d+/, (number) => String(Number(number) - line)))
}

const seed = Number(process.env['SEED'] ?? 7)
const mutations = Number(process.env['MUTATIONS'] ?? 400)

const examples = readdirSync('examples', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => readFileSync(join('examples', file), 'utf8'))

const sizes = [
  [400, 400],
  [1, 800],
  [800, 0],
] as const

test('the broken part of a large file is diagnosed like that of a small one', () => {
  const different: string[] = []
  const depths = [0, 1, 3]
  const cases = brokenFiles().map(({ text }, index) => ({
    text,
    depth: depths[index % depths.length]!,
    sizes: sizes[Math.trunc(index / depths.length) % sizes.length]!,
  }))
  for (const { text, depth, sizes } of cases) {
    const small = embedded(text, depth, [Math.min(sizes[0], 2), Math.min(sizes[1], 2)])
    const large = embedded(text, depth, sizes)
    const expected = fromHere(small, whole(small))
    const found = fromHere(large, shown(readExactly(large, '', { isDraft: true }).problems))
    assert.equal(found.length === 0, expected.length === 0, large.slice(0, 200))
    if (found.join('\n') !== expected.join('\n')) different.push([...expected, 'large:', ...found].join('\n'))
  }
  assert.ok(cases.length > 130 && different.length <= cases.length / 100, different.join('\n\n'))
})

test(`the parts of mutated texts are diagnosed like the whole (seed ${seed})`, () => {
  const next = random(seed)
  const texts = [...examples, ...brokenFiles().map(({ text }) => text)]
  let count = 0
  const different: string[] = []
  for (let index = 0; index < mutations; index++) {
    const text = `${entries(3, 'above', '')}\n${mutate(texts[index % texts.length]!, next).trimEnd()}\n`
    const [expected, found] = [whole(text), inParts(text)]
    assert.equal(found.length === 0, expected.length === 0, text)
    if (expected.length > 0) count++
    if (found.join('\n') !== expected.join('\n'))
      different.push([text, ...expected, 'in parts:', ...found].join('\n'))
  }
  assert.ok(count > mutations / 2 && different.length <= count / 10, different.slice(0, 10).join('\n\n'))
})

test('a large valid text has no problems, whatever only the exact reader can read in it', () => {
  const unusual = [
    '"a\\nb"',
    "'it''s'",
    '!!str 5',
    'words\n  that go on',
    '[\n  1,\n]',
    '{ a: 1,\n  b: 2 }',
    '|2\n   a\n  b',
    '"a\n\n  b"',
  ]
  for (const value of unusual) {
    const text = Array.from({ length: 600 }, (_, index) =>
      index % 7 < 3
        ? `key${index}: ${value}\n`
        : `key${index}:\n  - name: x\n    deep: &a${index} { b: *a${index - 1} }\n`.replace(/\*a\d+/, '1'),
    ).join('')
    assert.deepEqual(inParts(text), [], value)
  }
})

test(`random texts have problems in parts if they have some as a whole (seed ${seed})`, () => {
  const next = random(seed)
  for (const text of fc.sample(model, { seed, numRuns: mutations }).map(rendered)) {
    assert.equal(inParts(text).length, whole(text).length, text)
    const mutated = mutate(text, next)
    assert.equal(inParts(mutated).length === 0, whole(mutated).length === 0, mutated)
  }
})

test('anchors, duplicate keys and repairs of lines that are left out are not lost', () => {
  const good = entries(300, 'key', '')
  const problems = (text: string) =>
    readExactly(text, '', { isDraft: true }).problems.map(({ line, code }: Problem) => `${line} ${code}`)
  assert.deepEqual(problems(`a: &a 1\n${good}\nb: [*a, *a\nc: 1\n${entries(300, 'more', '')}\nkey3: 1\n`), [
    '1802 BAD_INDENT',
    '3604 DUPLICATE_KEY',
  ])
  assert.deepEqual(problems(`${good}\nservices\n${entries(300, 'more', '  ')}\n`), [
    '1801 MULTILINE_IMPLICIT_KEY',
  ])
  assert.deepEqual(
    problems(`root:\n${entries(300, 'key', '  ')}\n   list:\n${entries(300, 'more', '     ')}\nend: 1\n`)
      .length,
    1,
  )
  assert.deepEqual(problems(good.replaceAll('  ', '\t').replaceAll('\n', '\r\n')), ['2 TAB_AS_INDENT'])
})

test('a broken entry of a large flow collection is found', () => {
  const json = `{\n${Array.from({ length: 500 }, (_, index) => `  "k${index}": {\n    "a": [1, 2],\n    "b": {\n      "c": "x"\n    }\n  },\n`).join('')}  "z": 1\n}\n`
  const places = (text: string) =>
    readExactly(text, '', { isDraft: true }).problems.map(
      ({ line, column, message }: Problem) => `${line}:${column} ${message}`,
    )
  assert.deepEqual(places(json), [])
  assert.deepEqual(places(json.replace(/(?<="k300": {\n +"a": \[1, 2\]),/, '')), [
    '1804:5 Missing comma before this entry: write "," after the previous one',
  ])
})
