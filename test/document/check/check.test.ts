import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { after, describe, test } from 'node:test'
import { ConstructionError, check, dump, load, loadAll, type Problem, Registry } from 'flambeau'
import { z } from 'zod'

// Written to a file as well, so that the command line can import them.
const module = `
import { registrable } from 'flambeau'
import { z } from 'zod'
export class Model { constructor(options) { this.options = options } static fromFile(options) { return new this(options) } }
registrable('!Model', { factories: ['fromFile'] })(Model)
export class Train { constructor(options) { this.options = options } }
const options = z.strictObject({
  data: z.string(),
  rate: z.number(),
  model: z.any(),
  inner: z.object({ depth: z.number() }).optional(),
})
registrable('!Train', { schema: options })(Train)
`

const sevenFaults = `a: !Modle {}
b: !Train
  data: iris.csv
  rate: 0.1
  model: !Model {}
  inner: { depth: deep }
c: !Train { data: x, rate: 1, model: 1, rtae: 2 }
d: !Train { data: x, model: 1 }
e: !Model.fromFiel { path: x }
e: 2
f: *base
`

const expected = [
  '1:4-10 UNKNOWN_TAG "!Model"',
  '6:19-23 BAD_OPTION undefined',
  '7:41-45 UNKNOWN_OPTION "rate"',
  '8:4-10 MISSING_OPTION undefined',
  '9:4-19 UNKNOWN_FACTORY "!Model.fromFile"',
  '10:1-2 DUPLICATE_KEY undefined',
  '11:4-9 UNKNOWN_ALIAS undefined',
]

const folder = mkdtempSync(join('build', 'check-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'classes.mjs'), module)
writeFileSync(join(folder, 'seven.yaml'), sevenFaults)

function summary({ line, column, endColumn, code, hint }: Problem): string {
  return `${line}:${column}-${endColumn} ${code} ${hint && JSON.stringify(hint)}`
}

function flambeauCheck(...flags: string[]) {
  const args = [
    'dist/cli/main.js',
    'check',
    join(folder, 'seven.yaml'),
    '--import',
    `./${join(folder, 'classes.mjs')}`,
  ]
  return spawnSync(process.execPath, [...args, ...flags], { encoding: 'utf8' })
}

describe('a file with seven different faults', () => {
  test('has all of them reported, each at its place, in file order, with near names', () => {
    const { status, stdout } = flambeauCheck('--json')
    assert.equal(status, 22)
    assert.deepEqual((JSON.parse(stdout) as Problem[]).map(summary), expected)
  })

  test('is annotated for GitHub, a line for each', () => {
    const { status, stdout } = flambeauCheck('--format', 'github')
    const lines = stdout.trim().split('\n')
    assert.equal(status, 22)
    assert.equal(lines.length, 7)
    const file = relative('.', join(folder, 'seven.yaml'))
    const place = `file=${file},line=1,col=4,endLine=1,endColumn=10,title=UNKNOWN_TAG`
    assert.equal(lines[0], `::error ${place}::Unknown tag "!Modle": did you mean "!Model"?`)
  })

  test('is shown with frames to people', () => {
    const { stdout } = flambeauCheck()
    assert.match(stdout, /^7 problems in /)
    assert.match(stdout, /10 \| e: 2\n {5}\| \^\n/)
  })
})

describe('an annotation', () => {
  test('escapes what would end it', () => {
    const registry = new Registry()
    const strange = join(folder, 'a,b%.yaml')
    writeFileSync(strange, '!No')
    assert.equal(check('!No', { registry }).length, 1)
    const { stdout } = spawnSync(
      process.execPath,
      ['dist/cli/main.js', 'check', strange, '--format', 'github'],
      {
        encoding: 'utf8',
      },
    )
    assert.match(stdout, /^::error file=[^,]*a%2Cb%25\.yaml,line=1,/)
  })
})

describe('an object that cannot be constructed', () => {
  test('is shown with the way to it', () => {
    const registry = new Registry()
    class Box {
      constructor(readonly options: object = {}) {}
    }
    class Broken {
      constructor() {
        throw new RangeError('too much')
      }
    }
    for (const tag of ['!Sweep', '!Train'] as const) registry.add(class extends Box {}, tag)
    registry.add(Broken, '!Broken')
    const text = '!Sweep\neach:\n  - !Train\n    optimizer: !Broken {}\n'
    assert.throws(
      () => load(text, { registry }),
      (error) => {
        assert.ok(error instanceof ConstructionError && error.cause instanceof RangeError)
        assert.match(error.message, /\(!Sweep › each › \[0\] › !Train › optimizer\): too much/)
        assert.deepEqual([error.problems[0]?.line, error.problems[0]?.column], [4, 16])
        return true
      },
    )
  })
})

describe('a deprecated tag', () => {
  class Model {
    constructor(readonly options: object = {}) {}
    static make(options: object): Model {
      return new this(options)
    }
  }
  const registry = new Registry()
  registry.add(Model, '!Old', { deprecated: 'write "!Model"', factories: ['make'] })
  const text = '- 1\n- !Old {}\n- !Old.make {}\n---\n!Old\n'

  test('is warned of once, where it stands first, with what to write', () => {
    const warnings: Problem[] = []
    assert.deepEqual(check(text, { registry, onWarning: (warning) => warnings.push(warning) }), [])
    assert.deepEqual(warnings.map(summary), ['2:3-7 DEPRECATED_TAG undefined'])
    assert.equal(warnings[0]!.message, 'Tag "!Old" is deprecated: write "!Model"')
  })

  test('is loaded all the same, with the same warning', () => {
    const warnings: Problem[] = []
    const [[, model]] = loadAll(text, { registry, onWarning: (warning) => warnings.push(warning) }) as any
    assert.ok(model instanceof Model)
    assert.deepEqual(warnings.map(summary), ['2:3-7 DEPRECATED_TAG undefined'])
  })
})

describe('defaults that were recorded', () => {
  test('hold under a later version that has others', () => {
    const earlier = new Registry()
    const later = new Registry()
    class Train {
      constructor(readonly options: { data: string; rate?: number }) {}
    }
    earlier.add(Train, '!Train', { schema: z.object({ data: z.string(), rate: z.number().default(0.1) }) })
    later.add(Train, '!Train', { schema: z.object({ data: z.string(), rate: z.number().default(0.5) }) })
    const loaded = load('!Train\ndata: x # kept\n', { registry: earlier })
    const text = dump(loaded, { registry: earlier, defaults: true })
    assert.equal(text, '!Train\ndata: x # kept\nrate: 0.1\n')
    assert.equal(load(text, { registry: later, expect: Train }).options.rate, 0.1)
    assert.equal(load('!Train { data: x }', { registry: later, expect: Train }).options.rate, 0.5)
  })
})
