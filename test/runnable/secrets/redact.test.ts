// What is masked in a text, in whichever form it stands there, and in which time.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { parseSecrets } from 'flambeau'
import { emitted } from '../../support/emitted.js'

const { secretsOf } = await emitted('runnable/secrets/secrets.js')
const redactOf = (...values: string[]): ((text: string) => string) => {
  const secrets = secretsOf({ A: Object.fromEntries(values.map((value, at) => [`k${at}`, value])) })
  return (text) => secrets.redact(text)
}

const lower = (text: string): string => text.replace(/%[\dA-F]{2}/g, (code) => code.toLowerCase())
const everyByte = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
const strict = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)
const formEncoded = (text: string): string => new URLSearchParams({ k: text }).toString().slice(2)
const ascii = (json: string): string =>
  json.replace(/[^\0-~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** The forms in which a whole value may stand in a text. */
const forms: Readonly<Record<string, (value: string) => string>> = {
  'as it is': (value) => value,
  'percent-encoded': encodeURIComponent,
  'percent-encoded in lower case': (value) => lower(encodeURIComponent(value)),
  'percent-encoded for a path': encodeURI,
  'percent-encoded with all that RFC 3986 reserves': strict,
  'percent-encoded byte by byte': everyByte,
  'percent-encoded twice': (value) => encodeURIComponent(encodeURIComponent(value)),
  'form-encoded': formEncoded,
  'as in JSON': (value) => JSON.stringify(value).slice(1, -1),
  'as in ASCII JSON': (value) => ascii(JSON.stringify(value).slice(1, -1)),
  'as in JSON with escaped slashes': (value) => JSON.stringify(value).slice(1, -1).replaceAll('/', '\\/'),
  'as in JSON in JSON': (value) => JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1),
  'as inspect shows it': (value) => inspect(value, { breakLength: Infinity }).slice(1, -1),
}

/** The forms from which bytes before and after the value cannot be told apart. */
const base64Forms: Readonly<Record<string, (text: string) => string>> = {
  base64: (text) => Buffer.from(text).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  'percent-encoded base64': (text) => encodeURIComponent(Buffer.from(text).toString('base64')),
  'base64 in lines': (text) => Buffer.from(text).toString('base64').replace(/.{76}/g, '$&\r\n'),
  'base64 in lines in JSON': (text) =>
    JSON.stringify(Buffer.from(text).toString('base64').replace(/.{76}/g, '$&\n')).slice(1, -1),
  'base64 of percent-encoding': (text) => Buffer.from(encodeURIComponent(text)).toString('base64'),
  'base64 of JSON': (text) => Buffer.from(JSON.stringify({ password: text })).toString('base64'),
  'base64 twice': (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64'),
}

const character = fc.constantFrom(...'abcXYZ019 /+=%@:;#&?"\'\\-_.~!*()<>[]{}`$\u00e9\u20ac\u{1f600}\t')
const value = fc
  .string({ unit: character, minLength: 4, maxLength: 120 })
  .filter((text) => text.trim().length >= 4 && !'[secret]'.includes(text))

describe('redact', () => {
  for (const [name, encode] of Object.entries(forms))
    test(`masks a value ${name}`, () => {
      fc.assert(
        fc.property(value, (secret) => {
          assert.equal(redactOf(secret)(`<< ${encode(secret)} >>`), '<< [secret] >>')
        }),
      )
    })

  for (const [name, encode] of Object.entries(base64Forms))
    test(`masks a value in ${name}, wherever it stands in what was encoded`, () => {
      fc.assert(
        fc.property(
          value,
          fc.string({ maxLength: 5 }),
          fc.string({ maxLength: 5 }),
          (secret, before, after) => {
            const shown = redactOf(secret)(`Basic ${encode(`${before}${secret}${after}`)} .`)
            assert.match(shown, /^Basic [\w+/%\\\n\r-]*\[secret\]/)
            // What is left of it, from both of its ends, has not a whole byte of the value.
            const [start, end] = [shown.indexOf('[secret]') - 6, shown.lastIndexOf('[secret]') + 8]
            const whole = encode(`${before}${secret}${after}`)
            assert.ok(whole.startsWith(shown.slice(6, 6 + start)) && whole.endsWith(shown.slice(end, -2)))
            assert.ok(start + (shown.length - 2 - end) <= whole.length - secret.length, shown)
          },
        ),
      )
    })

  test('masks what basic auth has, and nothing around it', () => {
    const redact = redactOf('hunter2-hunter2')
    const header = (user: string) => `Basic ${Buffer.from(`${user}:hunter2-hunter2`).toString('base64')}`
    assert.deepEqual(
      ['a', 'ad', 'ada'].map((user) => redact(`${header(user)}, user ${user}`)),
      ['Basic YT[secret]=, user a', 'Basic YWQ6[secret], user ad', 'Basic YWRhO[secret]==, user ada'],
    )
  })

  test('masks the longest of values that are part of one another, and those that overlap', () => {
    const redact = redactOf('abcd', 'abcdefgh', 'efgh-ijkl')
    assert.equal(redact('abcd abcdefgh abcdefgh-ijkl'), '[secret] [secret] [secret]')
  })

  test('masks each line of a value', () => {
    const redact = redactOf('first line\nsecond line\nend')
    assert.equal(redact('x second line y first line'), 'x [secret] y [secret]')
    assert.equal(redact(JSON.stringify('first line\nsecond line\nend')), '"[secret]"')
    assert.equal(redact('end'), 'end')
  })

  test('masks what a program takes out of a value: the password of a URL, what stands in quotes', () => {
    const redact = redactOf('redis://ada:p%40ss-word@host:6379/0', '"quoted value"')
    assert.equal(redact('p%40ss-word, p@ss-word, quoted value'), '[secret], [secret], [secret]')
  })

  test('masks passwords in URLs and tokens in their queries that are no secrets of the file', () => {
    const redact = redactOf('hunter2')
    assert.equal(redact('at redis://:open-sesame@host:6379 now'), 'at redis://:[secret]@host:6379 now')
    assert.equal(
      redact('rediss://ada:se@same@host and ssh://git@host'),
      'rediss://ada:[secret]@host and ssh://git@host',
    )
    assert.equal(
      redact('https://t0ken@host/x?a=1&api_key=k3y#y'),
      'https://[secret]@host/x?a=1&api_key=[secret]#y',
    )
    assert.equal(redact('write "redis://:password@host:6379"'), 'write "redis://:password@host:6379"')
  })

  test('leaves short values and common words as they are', () => {
    const text = 'abc true None 12 YWJj dHJ1ZQ=='
    assert.equal(redactOf('abc', 'true', 'None', '12', '')(text), text)
  })

  test('masks a value that cannot be read, as it stands in the file', async () => {
    const secrets = await parseSecrets('[A]\nx = p%ss-word\n')
    assert.equal(secrets.redact('p%ss-word'), '[secret]')
  })

  test('masks once what passes through it again', () => {
    const redact = redactOf('secret', 'ecre', 'hunter2')
    const once = redact('a secret and hunter2, secret[secret]secret')
    assert.equal(once, 'a [secret] and [secret], [secret][secret][secret]')
    assert.equal(redact(once), once)
  })

  test('leaves every other text as it is', () => {
    const redact = redactOf('a value that is in none of them')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => assert.equal(redact(text), text)),
    )
  })

  describe('takes time that grows with the length of the text and of the secrets alone', () => {
    const size = 300_000
    const texts: Record<string, string> = {
      'one letter': 'a'.repeat(size),
      'almost a secret': `${'a'.repeat(999)}b`.repeat(size / 1000),
      'percent signs': '%25'.repeat(size / 3),
      'halves of pairs': '\\ud83d'.repeat(size / 6),
      backslashes: '\\'.repeat(size),
      base64: Buffer.from('a'.repeat(size)).toString('base64'),
      'plus signs': '+a'.repeat(size / 2),
      'beginnings of URLs': 'http://:'.repeat(size / 8),
      'one long URL': `http://${':@'.repeat(size / 2)}`,
      queries: '://?a'.repeat(size / 5),
    }
    const many = Array.from({ length: 20_000 }, (_, at) => `AKIA-${at}-suffix`)
    for (const [name, text] of Object.entries(texts))
      test(name, { timeout: 20_000 }, () => {
        redactOf('a'.repeat(1000), 'a'.repeat(100_000), ...many)(text)
      })
  })
})
