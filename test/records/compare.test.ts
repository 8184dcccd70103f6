// The comparison of two records.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'

const { compareRuns } = (await import(join(process.cwd(), 'build/js/records/compare.js'))) as {
  compareRuns(a: object, b: object): Record<string, any>
}

const record = {
  id: 'a',
  options: { '': '!Train', rate: 0.1 },
  defaults: { epochs: 10 },
  modules: { 'train.js': '1' },
  packages: { zod: '4.0.0' },
  node: 'v20.1.0',
  flambeau: '0.1.0',
  host: 'one',
  user: 'ada',
  git: { commit: 'c1', branch: 'main', dirty: false },
}

const compare = (changes: object, { a = {}, b = {} }: { a?: object; b?: object } = {}) =>
  compareRuns({ record, ...a }, { record: { ...record, id: 'b', ...changes }, ...b })

const sections = ['options', 'code', 'packages', 'environment', 'result']

describe('the comparison of two records', () => {
  test('of the same run has no difference, whatever order its values are in', () => {
    const comparison = compare(
      { options: { rate: 0.1, '': '!Train' } },
      { a: { result: { x: [] } }, b: { result: { x: [] } } },
    )
    assert.deepEqual(
      sections.map((name) => comparison[name]),
      [[], [], [], [], []],
    )
  })

  test('has defaults beside options: one that has changed, and one that was set', () => {
    const changed = compare({ defaults: { epochs: 20, '__proto__.x': 1 } }).options
    assert.deepEqual(changed, [
      { name: 'epochs', a: { value: 10, isDefault: true }, b: { value: 20, isDefault: true } },
      { name: '__proto__.x', b: { value: 1, isDefault: true } },
    ])
    const set = compare({ defaults: {}, options: { ...record.options, epochs: 20 } }).options
    assert.deepEqual(set, [{ name: 'epochs', a: { value: 10, isDefault: true }, b: { value: 20 } }])
    assert.deepEqual(compare({ defaults: {}, options: { ...record.options, epochs: 10 } }).options, [])
  })

  test('has commits, modules, packages and what is around a run', () => {
    const { code, packages, environment } = compare({
      git: undefined,
      modules: { 'train.js': '2', 'new.js': '3' },
      packages: {},
      host: 'two',
    })
    assert.deepEqual(
      code.map(({ name }: any) => name),
      ['commit', 'branch', 'uncommitted changes', 'train.js', 'new.js'],
    )
    assert.deepEqual(packages, [{ name: 'zod', a: { value: '4.0.0' } }])
    assert.deepEqual(environment, [{ name: 'host', a: { value: 'one' }, b: { value: 'two' } }])
  })

  test('has each file of two patches that differs, by its name', () => {
    const part = (names: string, text: string): string => `diff --git ${names}\n@@ -1 +1 @@\n-1\n+${text}\n`
    const same = part('a/x b/y b/x b/y', 'the same\rdiff --git a/no b/no')
    const quoted = '"a/q\\"\\t\\n" "b/q\\"\\t\\n"'
    const { code } = compare(
      {},
      {
        a: { patch: same + part(quoted, '2') },
        b: { patch: part(quoted, '3') + same + part('a/z b/z', '1') },
      },
    )
    assert.deepEqual(
      code.map(({ name }: any) => name),
      ['changes of q"\t\n', 'changes of z'],
    )
  })

  test('has results by path', () => {
    const results = {
      a: { result: { 'a.b': 1, c: [1, { d: 2 }], e: {} } },
      b: { result: { a: { b: 1 }, c: [1, { d: 3 }] } },
    }
    assert.deepEqual(
      compare({}, results).result.map(({ name }: any) => name),
      ['"a.b"', 'c[1].d', 'e', 'a.b'],
    )
  })
})
