import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'

const { jsonMistake } = await import(pathToFileURL(join('build/js/util/json-syntax.js')).href)

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('a mistake in JSON', () => {
  test('is found exactly in the texts that JSON.parse refuses', () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(3),
      put: fc.constantFrom(
        '',
        '',
        ',',
        ':',
        '"',
        '{',
        '}',
        '[',
        ']',
        '1',
        'a',
        "'",
        '//',
        '\\',
        '\t',
        '\n',
        '\u007f',
      ),
    })
    fc.assert(
      fc.property(fc.json(), fc.array(edit, { maxLength: 3 }), fc.nat(2), (json, edits, indent) => {
        let text = JSON.stringify(JSON.parse(json), null, indent)
        for (const { at, cut, put } of edits) {
          const offset = Math.floor(at * text.length)
          text = text.slice(0, offset) + put + text.slice(offset + cut)
        }
        const mistake = jsonMistake(text)
        assert.equal(mistake === undefined, isJson(text), `${text}: ${JSON.stringify(mistake)}`)
        if (mistake) assert.ok(mistake.start <= text.length && mistake.end <= text.length)
      }),
      { numRuns: 2000 },
    )
  })

  const found: Record<string, [text: string, marked: string, message: RegExp]> = {
    'a comment': ['{ // no\n}', '// no', /no comments/],
    'a block comment': ['{ /* a\nb */ }', '/* a\nb */', /no comments/],
    'a comma at the end': ['{ "a": 1, }', '}', /no "," before "}"/],
    'single quotes': ["{ 'a': 1 }", "'a'", /no single quotes/],
    'a key without quotes': ['{ a: 1 }', 'a', /"a" is no value of JSON/],
    'no comma': ['{ "a": 1 "b": 2 }', '"b"', /"," is missing/],
    'no colon': ['{ "a" 1 }', '1', /":" is missing/],
    'a text that does not end': ['{ "a": "b\n}', '"b', /no closing quote/],
    'an end that is missing': ['{ "a": [1', '', /"]" is missing/],
    'an end too many': ['{}}', '}', /closes nothing/],
  }
  for (const [name, [text, marked, message]] of Object.entries(found))
    test(`points at ${name}`, () => {
      const mistake = jsonMistake(text)
      assert.equal(text.slice(mistake.start, mistake.end), marked)
      assert.match(mistake.message, message)
    })
})
