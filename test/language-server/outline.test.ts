import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { mutate } from '../support/mutate.js'
import { random } from '../support/random.js'
import { model, rendered } from '../support/random-yaml.js'

// What no user calls is imported from what tsc emits.
const emitted = (file: string) => import(pathToFileURL(join('build/js', file)).href)
const { outlineOf } = await emitted('language-server/outline.js')
const { parse } = await emitted('document/read/parse.js')

const examples = readdirSync('examples', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => readFileSync(join('examples', file), 'utf8'))

/** The structure of a node of the reader: kinds, keys, tags and anchors, with their offsets. */
function ofNode(node: any): unknown {
  const { kind, tag, tagStart, anchor } = node
  const props = {
    ...(tag?.startsWith('!') && tag !== '!' && { tag: [tag, tagStart] }),
    ...(anchor !== undefined && { anchor }),
  }
  if (kind === 'alias') return { kind, name: node.name, start: node.start }
  if (kind === 'sequence') return { kind, ...props, items: node.items.map(ofNode) }
  if (kind === 'mapping')
    return { kind, ...props, entries: node.entries.map(({ key, value }: any) => [keyOf(key), ofNode(value)]) }
  return { kind: 'scalar', ...props, ...(node.end > node.start && { start: node.start }) }
}

function keyOf(key: any): unknown {
  return key.kind === 'alias' ? `*${key.name}` : [key.start]
}

/** The same of a node of the outline. */
function ofOutline(node: any, text: string): unknown {
  const { kind, tag, anchor, content, entries } = node
  const props = {
    ...(tag && !/^!(?:!|$)/.test(tag.text) && { tag: [tag.text, tag.start] }),
    ...(anchor && { anchor: anchor.text.slice(1) }),
  }
  if (kind === 'alias') return { kind, name: content.text.slice(1), start: content.start }
  if (kind === 'sequence')
    return { kind, ...props, items: entries.map(({ value }: any) => ofOutline(value, text)) }
  if (kind === 'mapping')
    return {
      kind,
      ...props,
      entries: entries.map(({ key, value }: any) => {
        const quote = /["']/.test(text[key.start - 1] ?? '') ? 1 : 0
        return [key.text.startsWith('*') ? key.text : [key.start - quote], ofOutline(value, text)]
      }),
    }
  return { kind: 'scalar', ...props, ...(content && { start: content.start }) }
}

function expectSame(text: string): void {
  const { documents, problems } = parse(text, '')
  if (problems.length > 0 || documents.length === 0) return
  const { roots } = outlineOf(text)
  assert.deepEqual(
    roots.map((root: any) => ofOutline(root, text)),
    documents.map(({ root }: any) => ofNode(root)),
    text,
  )
}

const written = [
  '!Train\ndata: x\noptimizer: !Sgd\n  rate: 1\n',
  '!Train { data: x, optimizer: !Sgd { rate: 1 }, list: [a, !B, [c]] }\n',
  'a:\n- x\n- y: 1\n  z: 2\nb: 3\n',
  '- - a\n  - b\n-   c: 1\n    d: 2\n- ! e\n',
  'a: |\n  text: no key\n  - no item\nb: >-\n    folded\n\n    text\nc: 1\n',
  'a: "b: c"\n"quoted key": 1\n\'other\': [1, "2, 3", \'}\']\n',
  'a: first\n  second\nb: "one\n  two"\nc: d\n',
  'my_ext: ./path\n---\n!my_ext.Train\na: 1\n',
  '--- !A\na: 1\n--- !B\nb: 2\n...\n',
  '# comment\na: 1 # comment\n\n# other\nb: http://x/#y\n',
  '&x !A\nb: &y\n  c: 1\nd: *y\ne: [*y, *x ]\n',
  'a:\n\n  # comment\n\n  b: 1\n',
  'a: {\n  b: 1, # comment\n  c: [\n    1,\n    2\n  ]\n}\nd: 2\n',
  '\ufeffa: 1\nb: 2\n',
  'a: 1\r\nb:\r\n  - !C\r\n    d: 2\r\n',
  '',
  '!A\n',
  'text of words\n',
  "it's: don't\nb: it''s\n",
  "m:\n  'C:\\': &x 1\n  b: *x\nc: ['C:\\'\n  , *x, 'z']\n",
  'm:\n  "C:\\\\": &x 1\n  b: *x\n',
]

describe('the outline of a text', () => {
  test('is what the reader finds in valid texts', () => {
    for (const text of [...written, ...examples]) expectSame(text)
    fc.assert(
      fc.property(model, (document) => expectSame(rendered(document))),
      { numRuns: 500 },
    )
  })

  test('has every tag, key and alias of a text in which a line below is broken', () => {
    for (const end of [
      '  bad',
      '{',
      '[a, {',
      '"open',
      "'open",
      '- x',
      'a: b: c',
      '!',
      '&',
      '*',
      ': x',
      '} ]',
      '\t- x',
    ]) {
      const { roots } = outlineOf(
        `!Train\ndata: x\noptimizer: !Sgd\n  rate: 1\n${end}\nlast: !Other\n  a: 1\n`,
      )
      const [first] = roots
      const keys = first.entries.map(({ key }: any) => key?.text)
      assert.deepEqual(keys.slice(0, 2), ['data', 'optimizer'], end)
      assert.equal(first.entries[1].value.tag.text, '!Sgd', end)
      assert.ok(keys.includes('last'), `${end}: ${keys}`)
    }
  })

  test('can be made of every beginning of every text, valid or not', () => {
    const next = random(20)
    const texts = [
      ...written,
      ...examples,
      ...written.flatMap((text) => Array.from({ length: 20 }, () => mutate(text, next))),
    ]
    for (const text of texts)
      for (let end = 0; end <= text.length; end++) {
        const beginning = text.slice(0, end)
        const { textEnd, roots } = outlineOf(beginning)
        assert.ok(roots.length > 0)
        if (!textEnd) continue
        const { start, end: wordEnd, text: word } = textEnd.word
        assert.equal(wordEnd, end)
        assert.equal(beginning.slice(start), word)
        assert.ok(textEnd.mapping || textEnd.value)
      }
  })

  test('costs as much for a line of a large text as for one of a small text', () => {
    // Steps, not time: each character is read a bounded number of times, or this would not end.
    const deep = `${'a: {'.repeat(2_000)}`
    const lines = Array.from({ length: 50_000 }, (_, index) => `key${index}: "open`).join('\n')
    const quotes = `a: "${'x\n  '.repeat(100_000)}`
    for (const text of [deep, lines, quotes, '['.repeat(100_000), '- '.repeat(20_000), '!a '.repeat(50_000)])
      assert.ok(outlineOf(text).roots.length > 0)
  })
})
