import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import {
  ClusterRunnable,
  customTags,
  factory,
  type JsonSchema,
  jsonSchema,
  MappedRegistrable,
  Registry,
  type StandardSchema,
} from 'flambeau'
import * as v from 'valibot'
import { z } from 'zod'

class Box {
  constructor(readonly options: object = {}) {}
}
class Sgd extends Box {}
class Nesterov extends Sgd {}
class Model extends Box {
  static fromFile(options: object): Model {
    return new this(options)
  }
}

const optimizer = { $ref: '#/definitions/!Sgd' }

/** A registry with `!Sgd` and `!Model` of known options, and `!Train` of these. */
function registryOf(train: StandardSchema, options: object = {}): Registry {
  const registry = new Registry()
  registry.add(Sgd, '!Sgd', { schema: z.strictObject({ rate: z.number() }) })
  registry.add(Model, '!Model', { schema: z.strictObject({ layers: z.int() }), factories: ['fromFile'] })
  registry.add(class Train extends Box {}, '!Train', { schema: train, ...options })
  return registry
}

function definition(registry: Registry, tag: string): any {
  return (jsonSchema(registry)['definitions'] as JsonSchema)[tag]
}

const fromElsewhere = { type: 'boolean', not: { enum: [true, false] } }

/** An option that may come from elsewhere, too, as by `!env`. */
const orFromElsewhere = (own: object) => ({ if: fromElsewhere, else: own })

function optionsOf(train: StandardSchema, options: object = {}): any {
  return definition(registryOf(train, options), '!Train').properties
}

describe('the JSON Schema of a registry', () => {
  test('says what the library of a schema says', () => {
    const rate = z
      .number()
      .min(0)
      .default(0.1)
      .meta({ title: 'Rate', description: 'How far', deprecated: true })
    const found = optionsOf(z.strictObject({ rate })).rate
    const expected = { type: 'number', minimum: 0, default: 0.1, title: 'Rate', description: 'How far' }
    const { title, description, ...rest } = { ...expected, deprecated: true }
    const notes = { default: 0.1, title, description, deprecated: true }
    assert.deepEqual(found, { ...notes, ...orFromElsewhere({ ...rest, title, description }) })
  })

  test('says what is said of a class: its tag, its description, that it is deprecated', () => {
    const registry = registryOf(z.object({}), { description: 'Trains', deprecated: 'use !Fit' })
    const { title, description, deprecated, deprecationMessage } = definition(registry, '!Train')
    assert.deepEqual(
      [title, description, deprecated, deprecationMessage],
      ['!Train', 'Trains', true, 'use !Fit'],
    )
  })

  test('knows what a class requires, and whether it may have more', () => {
    const { required, additionalProperties } = definition(registryOf(z.object({})), '!Sgd')
    assert.deepEqual([required, additionalProperties], [['rate'], false])
  })

  test('spells options as files do, those that the loader sets included', () => {
    const schema = z.strictObject({ learningRate: z.number() })
    const registry = new Registry()
    class Train extends ClusterRunnable.with(schema) {
      override setup(): void {}
      override run(): void {}
    }
    registry.add(Train, '!Train', { keys: 'snake_case' })
    const { properties, required } = definition(registry, '!Train')
    assert.deepEqual([Object.keys(properties), required], [['env', 'learning_rate'], ['learning_rate']])
  })

  test('leads references of a schema to itself to where it stands', () => {
    const tree = z.object({
      get left() {
        return tree.optional()
      },
    })
    const found = JSON.stringify(optionsOf(tree).left)
    assert.match(found, /"#\/definitions\/!Train"/)
  })

  test('has a definition of a factory that has a schema', () => {
    class Dataset extends Box {
      @factory({ schema: z.object({ path: z.string() }) })
      static fromFile(options: object): Dataset {
        return new this(options)
      }
    }
    const registry = new Registry()
    registry.add(Dataset, '!Dataset')
    assert.deepEqual(definition(registry, '!Dataset.fromFile').properties, {
      path: orFromElsewhere({ type: 'string' }),
    })
    assert.equal(definition(registry, '!Dataset'), undefined)
  })

  test('is one of an empty registry, too', () => {
    assert.deepEqual(jsonSchema(new Registry())['allOf'], [{ $ref: '#/definitions/suggestions' }])
  })
})

const libraries: Record<string, StandardSchema> = {
  zod: z.strictObject({ optimizer: z.instanceof(Sgd), all: z.array(z.instanceof(Sgd)).optional() }),
  valibot: toStandardJsonSchema(
    v.strictObject({ optimizer: v.instance(Sgd), all: v.optional(v.array(v.instance(Sgd))) }),
  ) as StandardSchema,
}

for (const [library, schema] of Object.entries(libraries))
  describe(`the option of a class in a schema of ${library}`, () => {
    test('may be of what the schema takes', () => {
      assert.deepEqual(optionsOf(schema).optimizer, orFromElsewhere({ anyOf: [optimizer] }))
    })

    test('may be so in a list', () => {
      assert.deepEqual(optionsOf(schema).all.else.items, orFromElsewhere({ anyOf: [optimizer] }))
    })
  })

describe('the option of a class', () => {
  test('may be of a class that extends it, of unknown options', () => {
    const registry = registryOf(z.object({ optimizer: z.instanceof(Sgd) }))
    registry.add(Nesterov, '!Nesterov')
    const { anyOf } = definition(registry, '!Train').properties.optimizer.else
    assert.deepEqual(anyOf, [optimizer, { type: 'null' }])
  })

  test('keeps what else it may be', () => {
    const found = optionsOf(z.object({ optimizer: z.union([z.instanceof(Sgd), z.string()]) }))
    assert.deepEqual(found.optimizer.else.anyOf, [{ anyOf: [optimizer] }, { type: 'string' }])
  })

  test('may be anywhere below', () => {
    const by = z.record(z.string(), z.instanceof(Sgd))
    const found = optionsOf(z.object({ nested: z.object({ by }) }))
    assert.deepEqual(
      found.nested.else.properties.by.else.additionalProperties,
      orFromElsewhere({ anyOf: [optimizer] }),
    )
  })

  test('is free where everything may stand, and where nobody answers at once', () => {
    const free = orFromElsewhere({ anyOf: [{ $ref: '#/definitions/suggestions' }] })
    assert.deepEqual(optionsOf(z.object({ any: z.any() })).any, free)
    assert.deepEqual(optionsOf(z.object({ any: z.any().refine(async () => false) })).any, free)
  })
})

describe('the custom tags of a registry', () => {
  test('say on what each may stand', () => {
    const registry = registryOf(z.object({}))
    registry.add(URL, '!Url', { fromYaml: () => new URL('http://localhost') })
    registry.add(class Plain extends Box {}, '!Plain')
    registry.add(class Abstract extends MappedRegistrable {}, '!Abstract', { abstract: true })
    const [model, sgd, plain, url] = ['!Model', '!Sgd', '!Plain', '!Url']
    assert.deepEqual(customTags(registry), [
      ...[`${model} mapping`, `${model} scalar:object`],
      ...[`${model}.fromFile mapping:null`, `${model}.fromFile scalar:null`],
      ...[`${plain} mapping:null`, `${plain} scalar:null`],
      ...[`${sgd} mapping`, `${sgd} scalar:object`],
      ...['!Train mapping', '!Train scalar:object'],
      ...[`${url} scalar:null`, `${url} mapping:null`, `${url} sequence:null`],
      ...[
        '!include scalar:boolean',
        '!extends mapping:boolean',
        '!env scalar:boolean',
        '!env mapping:boolean',
      ],
      ...['!ref', '!format', '!link', '!@'].map((tag) => `${tag} scalar:boolean`),
    ])
  })
})
