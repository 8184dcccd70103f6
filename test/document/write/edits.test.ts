import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { dump, load, Registry } from 'flambeau'
import { change, type Edit, edits } from '../../support/random-edits.js'
import { type Model, model, rendered } from '../../support/random-yaml.js'

class Box {
  constructor(readonly options: Record<string, unknown> = {}) {}
}

const registry = new Registry()
registry.add(Box, '!Box')
const options = { registry }

/** Each document is edited up to this often, one edit after another, and dumped after each. */
const editsEach = 6
const numRuns = Number(process.env['EDIT_RUNS'] ?? 6_000)

describe('what plain JavaScript made of a loaded document', () => {
  let count = 0

  test('is what its dump loads as, with each comment at what it was written at', () => {
    fc.assert(
      fc.property(model, fc.array(edits, { minLength: 1, maxLength: editsEach }), (document, steps) => {
        count += check(document, steps)
      }),
      { numRuns, includeErrorInReport: true },
    )
  })

  test('counts at least 20,000 edits', () => {
    assert.ok(count >= 20_000, `${count}`)
  })
})

function check(document: Model, steps: readonly Edit[]): number {
  const text = rendered(document)
  const root = { value: load(text, options) }
  assert.equal(dump(root.value, options), text.endsWith('\n') ? text : `${text}\n`)
  const comments = commentsOf(root.value)
  for (const own of comments.values())
    for (const [at, said] of own) if (!text.includes(`# ${said}c`)) own.delete(at)
  for (const step of steps) {
    const { what, fresh } = change(root, step)
    const written = written_(root.value, `${text}\n--- ${what}`)
    const again = loaded(written, `${text}\n--- ${what}`)
    const said = () => `${text}\n--- ${what}\n--- is written\n${written}`
    assert.ok(isDeepStrictEqual(again, root.value), said())
    assert.equal(dump(again, options), written, said())
    for (const copied of fresh) comments.delete(copied)
    checkComments(comments, root.value, written, said)
  }
  return steps.length
}

function written_(value: unknown, context: string): string {
  try {
    return dump(value, options)
  } catch (cause) {
    throw new Error(`${context}\n--- is not written: ${cause}`, { cause })
  }
}

function loaded(text: string, context: string): unknown {
  try {
    return load(text, options)
  } catch (cause) {
    throw new Error(`${context}\n--- is written\n${text}\n--- and not read: ${cause}`, { cause })
  }
}

/** The texts `v1`, `v2`, ... below each collection, whose comments are `# v1`, `# v2`, ... */
function commentsOf(
  value: unknown,
  into = new Map<object, Map<unknown, string>>(),
  seen = new Set<unknown>(),
): typeof into {
  if (typeof value !== 'object' || value === null || into.has(value)) return into
  const own = new Map<unknown, string>()
  into.set(value, own)
  for (const [key, child] of partsOf(value)) {
    // What "<<" brings along is commented where it came from.
    if (typeof child === 'string' && /^v\d+$/.test(child) && !seen.has(child)) {
      seen.add(child)
      own.set(Array.isArray(value) ? child : key, child)
    }
    commentsOf(child, into, seen)
  }
  return into
}

function partsOf(value: object): [unknown, unknown][] {
  if (value instanceof Box) return [['options', value.options]]
  if (value instanceof Map) return [...value]
  if (value instanceof Set) return [...value].map((item) => [item, item])
  return ArrayBuffer.isView(value) ? [] : Object.entries(value)
}

function checkComments(
  comments: ReadonlyMap<object, ReadonlyMap<unknown, string>>,
  root: unknown,
  written: string,
  said: () => string,
): void {
  const now = commentsNow(root)
  for (const [container, own] of comments)
    for (const [at, text] of own) {
      const count = written.split(`# ${text}c`).length - 1
      if (Array.isArray(container)) {
        if (!now.has(container)) continue
        const there = container.includes(at)
        if (there) assert.equal(count, 1, `comment of "${text}"\n${said()}`)
        else if (container.length === 0 || count > 1)
          assert.equal(count, 0, `comment of "${text}"\n${said()}`)
      } else if (now.has(container) && Object.hasOwn(container, String(at)))
        assert.equal(count, 1, `comment at "${at}"\n${said()}`)
      else if (now.has(container)) assert.equal(count, 0, `comment at "${at}", which is gone\n${said()}`)
    }
}

function commentsNow(value: unknown, into = new Set<object>()): Set<object> {
  if (typeof value !== 'object' || value === null || into.has(value)) return into
  into.add(value)
  for (const [, child] of partsOf(value)) commentsNow(child, into)
  return into
}
