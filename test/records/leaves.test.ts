// The values of a file by path, as records compare them.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'

const { leavesOf } = (await import(join(process.cwd(), 'build/js/records/leaves.js'))) as {
  leavesOf(text: string): Record<string, unknown>
}

describe('the values of a file by path', () => {
  test('are its scalars, the tags of its objects, and what is empty', () => {
    const text = `!Train
rate: 0.1
model: !Model { layers: [8, 16], name: "a b" }
callbacks: []
data: {}
nothing:
size: !SmartInt my-9
"a.b": { c: yes }
big: 123456789012345678901234567890
`
    assert.deepEqual(
      { ...leavesOf(text) },
      {
        '': '!Train',
        rate: 0.1,
        model: '!Model',
        'model.layers[0]': 8,
        'model.layers[1]': 16,
        'model.name': 'a b',
        callbacks: '[]',
        data: '{}',
        nothing: null,
        size: '!SmartInt my-9',
        '"a.b".c': 'yes',
        big: '123456789012345678901234567890',
      },
    )
  })

  test('of an alias are its name, and of a document of extensions their sources', () => {
    const text = 'tools: ./tools\n---\n!tools.Job\na: &x { b: 1 }\nc: *x\n'
    assert.deepEqual(
      { ...leavesOf(text) },
      { 'extensions.tools': './tools', '': '!tools.Job', 'a.b': 1, c: '*x' },
    )
  })

  test('may have any name', () => {
    assert.equal(leavesOf('__proto__: { polluted: 1 }\n')['__proto__.polluted'], 1)
    assert.equal(({} as any).polluted, undefined)
  })
})
