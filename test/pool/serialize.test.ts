// What crosses a process or a machine arrives as it was sent: errors and results. Secrets: runnable/secrets/transfer.test.ts.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { ClusterError, FlambeauError, UnsuccessfulRunnableError, ValidationError } from 'flambeau'
import { emitted } from '../support/emitted.js'

const {
  isEnded,
  isPackedError,
  isTaskMessage,
  isTaskNews,
  packError,
  packResult,
  unpackError,
  unpackResult,
} = await emitted('pool/serialize.js')
const { ResultFile } = await emitted('pool/result.js')

/** Sends a value as channels and Redis do. */
const sent = (value: unknown): any => JSON.parse(JSON.stringify(value))

const text = fc.string({ unit: 'binary' })
const classes = [Error, TypeError, RangeError]
const ownClasses = [FlambeauError, UnsuccessfulRunnableError, ValidationError, ClusterError]
const foreignError = fc.tuple(fc.constantFrom(...classes), text).map(([Class, message]) => new Class(message))
const ownError = fc
  .tuple(fc.constantFrom(...ownClasses), text, fc.stringMatching(/^[A-Z_]{1,12}$/), fc.nat(255))
  .map(([Class, message, code, exitCode]) => new Class(message, { code, exitCode }))

/** A value that JSON holds exactly, integers of any size included. */
const plainData = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(
      text,
      fc.boolean(),
      fc.constant(null),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    ),
    fc.bigInt().filter((value) => value > 2n ** 60n || value < -(2n ** 60n)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).value

/** JSON has no negative zero. */
const positiveZero = (value: any): any => {
  if (value === 0) return 0
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(positiveZero)
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, positiveZero(part)]))
}

describe('the transfer format', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flambeau-serialize-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('an error keeps its name, message and stack', () => {
    fc.assert(
      fc.property(fc.oneof(foreignError, ownError), (error) => {
        const packed = sent(packError(error))
        assert.ok(isPackedError(packed))
        const arrived = unpackError(packed)
        assert.deepEqual([arrived.name, arrived.message], [error.name, error.message])
        assert.ok(arrived.stack?.includes(error.stack?.split('\n').at(-1) ?? ''))
        assert.deepEqual(sent(packError(arrived)).message, packed.message)
      }),
    )
  })

  test('an error of this package keeps its code and exit code, another one does not', () => {
    fc.assert(
      fc.property(ownError, ({ code, exitCode, message }) => {
        const own = sent(packError(new UnsuccessfulRunnableError(message, { code, exitCode })))
        assert.deepEqual([own.code, own.exitCode], [code, exitCode])
        assert.equal((unpackError(own) as { code?: string }).code, code)
        const foreign = sent(packError(Object.assign(new Error(message), { code, exitCode })))
        assert.deepEqual([foreign.code, foreign.exitCode], [undefined, undefined])
      }),
    )
  })

  test('whatever was thrown can be sent', () => {
    fc.assert(fc.property(fc.anything(), (thrown) => assert.ok(isPackedError(sent(packError(thrown))))))
  })

  test('a result arrives as it was returned, below 64 KB', async () => {
    await fc.assert(
      fc.asyncProperty(plainData, fc.string(), async (value, id) => {
        const ended = { ok: true, result: await packResult(value, id, folder), host: 'here' }
        const arrived = sent(ended)
        assert.ok(isEnded(arrived))
        assert.deepEqual(unpackResult(arrived.result), positiveZero(value))
      }),
    )
  })

  test('a result above 64 KB arrives as a file with the same value', async () => {
    await fc.assert(
      fc.asyncProperty(plainData, text, async (value, id) => {
        const large = [value, 'x'.repeat(64 * 1024)]
        const packed = sent(await packResult(large, id, folder))
        const file = unpackResult(packed)
        assert.ok(file instanceof ResultFile)
        assert.deepEqual(await file.read(), positiveZero(large))
      }),
      { numRuns: 20 },
    )
  })

  test('nothing and what is not a value of JSON', async () => {
    assert.equal(unpackResult(sent(await packResult(undefined, 'a', folder))), undefined)
    const loop: unknown[] = []
    loop.push(loop)
    await assert.rejects(async () => packResult(loop, 'a', folder), { code: 'RESULT_NOT_JSON' })
  })

  test('no other value is taken for a message', () => {
    const guards = [isEnded, isPackedError, isTaskMessage, isTaskNews]
    fc.assert(
      fc.property(fc.anything(), (value) => {
        for (const guard of guards) assert.equal(typeof guard(value), 'boolean')
      }),
    )
    for (const guard of guards) for (const value of [null, 1, 'a', [], {}]) assert.equal(guard(value), false)
  })
})
