import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { check, type Problem, Registry } from 'flambeau'
import { type BrokenFile, brokenFiles } from '../../support/broken-files.js'

class Any {
  constructor(readonly options: object = {}) {}
}

const registry = new Registry()
for (const tag of ['!A', '!Train', '!Sgd'] as const) registry.add(class extends Any {}, tag)

function isSaid({ places, words }: BrokenFile, problems: readonly Problem[]): boolean {
  const [{ line, column, message } = { line: 0, column: 0, message: '' }] = problems
  const isThere = places.some((place) => place === `${line}` || place === `${line}:${column}`)
  const said = message.toLowerCase()
  return problems.length === 1 && isThere && words.every((word) => word.some((form) => said.includes(form)))
}

describe('Broken files', () => {
  const files = brokenFiles()
  const found = files.map((file) => ({ file, problems: check(file.text, { registry }) }))

  it('are at least 150', () => {
    assert.ok(files.length >= 150)
  })

  it('have one problem at the place of the cause, in the words of a person', () => {
    const wrong = found.filter(({ file, problems }) => !isSaid(file, problems))
    const texts = wrong.map(({ file, problems }) => [file.title, ...problems.map(described)].join('\n'))
    assert.ok(wrong.length <= files.length * 0.05, texts.join('\n\n'))
  })

  it('have no more than two problems for a cause', () => {
    for (const { file, problems } of found)
      assert.ok(problems.length <= 2, `${file.title}: ${problems.map(described)}`)
  })

  it('are all found wrong', () => {
    for (const { file, problems } of found) assert.notEqual(problems.length, 0, file.title)
  })
})

function described({ line, column, message }: Problem): string {
  return `  ${line}:${column} ${message}`
}

describe('Several mistakes in one file', () => {
  it('are all said, each at its place', () => {
    const text = 'a: 1\na: 2\nb: !Unknown {}\nc: "x\nd: [1, 2\ne: f: g\nh: @i\nj: *no\n'
    const places = check(text, { registry }).map(({ line, column, code }) => `${line}:${column} ${code}`)
    assert.deepEqual(places, [
      '2:1 DUPLICATE_KEY',
      '3:4 UNKNOWN_TAG',
      '4:4 MISSING_CHAR',
      '5:4 BAD_INDENT',
      '6:4 BLOCK_AS_IMPLICIT_KEY',
      '7:4 BAD_SCALAR_START',
      '8:4 UNKNOWN_ALIAS',
    ])
  })

  it('are said in a large file as in a small one', () => {
    const fine = Array.from({ length: 3000 }, (_, at) => `key${at}:\n  - name: a${at}\n`).join('')
    const problems = check(`${fine}a: "b\n${fine.replaceAll('key', 'other')}c: d: e\n`, { registry })
    assert.deepEqual(
      problems.map(({ line, column }) => `${line}:${column}`),
      ['6001:4', '12002:4'],
    )
  })

  it('are not said of what they nest in one another', () => {
    const text = Array.from({ length: 600 }, (_, at) => `k${at}: a: b\n`).join('')
    const problems = check(text, { registry })
    assert.equal(problems[0]!.line, 1)
    assert.match(problems[0]!.message, /in quotes, 'a: b'/)
  })
})

describe('A text whose last quote is escaped', () => {
  it('is not closed by the quote', () => {
    const [problem] = check('dir: "C:\\temp\\"\nnext: a\n')
    assert.match(problem!.message, /single quotes, 'C:\\temp\\'/)
  })
})
