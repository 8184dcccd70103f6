import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  alias,
  check,
  defaultRegistry,
  dump,
  factory,
  load,
  MappedRegistrable,
  namespace,
  RegistrationError,
  Registry,
  register,
  registrable,
  type Tag,
} from 'flambeau'
import 'reflect-metadata'
import { z } from 'zod'

class Box {
  constructor(readonly options: Record<string, unknown> = {}) {}
}

class Crate {
  constructor(readonly options: Record<string, unknown> = {}) {}
}

function refusal(code: string, ...parts: string[]) {
  return (error: unknown) => {
    assert.ok(error instanceof RegistrationError)
    assert.equal(error.code, code)
    for (const part of parts) assert.ok(error.message.includes(part), `${error.message} lacks ${part}`)
    return true
  }
}

describe('registrable', () => {
  test('makes a tag stand for the class', () => {
    @registrable('!reg-Train')
    class Train {
      constructor(readonly options: { rate?: number } = {}) {}
    }
    const train = load('!reg-Train { rate: 0.1 }')
    assert.ok(train instanceof Train)
    assert.deepEqual(train.options, { rate: 0.1 })
  })

  test('without a tag uses the name of the class', () => {
    @registrable()
    class NamedByItself {
      constructor(readonly options: object = {}) {}
    }
    assert.ok(load('!NamedByItself') instanceof NamedByItself)
    assert.equal(defaultRegistry.tagOf(NamedByItself), '!NamedByItself')
  })

  test('refuses a class without a name when no tag is given', () => {
    const registry = new Registry()
    assert.throws(() => registrable(undefined, { registry })(class {}), refusal('BAD_TAG'))
    assert.deepEqual(registry.tags(), [])
  })

  test('says what to write when it was not called', () => {
    const bare = registrable as unknown as (Class: unknown) => unknown
    assert.throws(() => bare(Box), refusal('BAD_TAG', `write "@registrable('!Box')"`))
    const bareAlias = alias as unknown as (Class: unknown) => unknown
    assert.throws(() => bareAlias(Box), refusal('BAD_TAG', `write "@alias('!Box')"`))
    assert.throws(() => registrable('!My Box')(Box), refusal('BAD_TAG', 'such as "!My-Box"'))
  })

  test('returns the class when it is called', () => {
    const registry = new Registry()
    assert.equal(registrable('!Box', { registry })(Box), Box)
    assert.equal(alias('!box', { registry })(Box), Box)
    assert.equal(register(Crate, '!Crate', { registry }), Crate)
    assert.equal(registry.add(Crate, '!crate'), Crate)
  })

  test('registers nowhere else when a registry is given', () => {
    const registry = new Registry()
    @registrable('!OnlyHere', { registry })
    class OnlyHere {
      constructor(readonly options: object = {}) {}
    }
    assert.ok(load('!OnlyHere', { registry }) instanceof OnlyHere)
    assert.equal(defaultRegistry.has('!OnlyHere'), false)
    assert.throws(() => load('!OnlyHere'), /Unknown tag "!OnlyHere"/)
  })

  test('sees static fields that are written below it', () => {
    const registry = new Registry()
    @registrable('!Late', { registry })
    class Late {
      static readonly schema = z.object({ a: z.number().default(7) })
      constructor(readonly options: { a: number }) {}
    }
    assert.equal(load('!Late', { registry, expect: Late }).options.a, 7)
  })

  test('does not register subclasses', () => {
    const registry = new Registry()
    @registrable('!Parent', { registry })
    class Parent {
      constructor(readonly options: object = {}) {}
    }
    class Child extends Parent {}
    assert.equal(registry.tagOf(Child), undefined)
    assert.deepEqual(registry.tags(), ['!Parent'])
    assert.throws(() => dump(new Child(), { registry }), refusal('UNREGISTERED_CLASS', '"Child"'))
  })

  test('gives a subclass a tag of its own', () => {
    const registry = new Registry()
    @registrable('!Parent', { registry })
    class Parent {
      constructor(readonly options: object = {}) {}
    }
    @registrable('!Child', { registry })
    class Child extends Parent {}
    assert.equal(load('!Parent', { registry, expect: Parent }).constructor, Parent)
    assert.equal(load('!Child', { registry, expect: Parent }).constructor, Child)
    assert.equal(registry.tagOf(Parent), '!Parent')
    assert.equal(registry.tagOf(Child), '!Child')
  })

  test('keeps an abstract class from being constructed, and its subclasses not', () => {
    const registry = new Registry()
    @registrable('!Shape', { registry, abstract: true })
    abstract class Shape {
      abstract area(): number
    }
    @registrable('!Square', { registry })
    class Square extends Shape {
      constructor(readonly options: { side: number }) {
        super()
      }
      area() {
        return this.options.side ** 2
      }
    }
    assert.equal(load('!Square { side: 3 }', { registry, expect: Shape }).area(), 9)
    const [problem] = check('!Shape', { registry })
    assert.equal(problem?.code, 'ABSTRACT_CLASS')
    assert.equal(problem?.message, '"!Shape" is the abstract class "Shape": name one that extends it')
    assert.ok(load('!Square { side: 1 }', { registry, expect: '!Shape' }) instanceof Square)
  })

  test('takes every tag that YAML can write', () => {
    for (const tag of ['!a', '!A1', '!a-b_c', '!a.b.c', '!$a', '!a/b', '!a~1', '!a+b=c', '!(a)'] as const) {
      const registry = new Registry()
      registry.add(Box, tag)
      assert.equal(dump(load(`${tag}\na: 1\n`, { registry }), { registry }), `${tag}\na: 1\n`)
    }
  })

  const noTags = ['', '!', 'Train', '!!str', '!a b', '!a[0]', '!a,b', '!{a}', '!a!b', '!"a"', '!a#b', '!%41']
  const notInYaml = ['!Größe', '!訓練', '!a^b']
  for (const tag of [...noTags, ...notInYaml])
    test(`refuses ${JSON.stringify(tag)} as a tag, everywhere`, () => {
      const registry = new Registry()
      const bad = tag as Tag
      assert.throws(() => registrable(bad, { registry })(Box), refusal('BAD_TAG', `"${tag}" is no tag`))
      assert.throws(() => alias(bad, { registry })(Box), refusal('BAD_TAG'))
      assert.throws(() => register(Box, bad, { registry }), refusal('BAD_TAG'))
      assert.throws(() => registry.add(Box, bad), refusal('BAD_TAG', 'such as "!'))
      assert.throws(() => registry.alias(Box, bad), refusal('BAD_TAG'))
      assert.deepEqual(registry.tags(), [])
    })
})

describe('alias', () => {
  test('gives one more tag, and the topmost is written back', () => {
    const registry = new Registry()
    @alias('!third', { registry })
    @alias('!second', { registry })
    @registrable('!First', { registry })
    class First {
      constructor(readonly options: object = {}) {}
    }
    for (const tag of ['!First', '!second', '!third']) assert.ok(load(tag, { registry }) instanceof First)
    assert.equal(registry.tagOf(First), '!third')
    assert.equal(dump(new First({ a: 1 }), { registry }), '!third\na: 1\n')
  })

  test('keeps the tag that an object was loaded with', () => {
    const registry = new Registry()
    @alias('!second', { registry })
    @registrable('!First', { registry })
    class First {
      constructor(readonly options: object = {}) {}
    }
    const first = load('!First\na: 1\n', { registry, expect: First })
    assert.equal(dump(first, { registry }), '!First\na: 1\n')
  })

  test('has the options of the class, wherever it is written', () => {
    const registry = new Registry()
    @alias('!above', { registry })
    @registrable('!Train', { registry, keys: 'snake_case' })
    @alias('!below', { registry })
    class Train {
      constructor(readonly options: object = {}) {}
    }
    for (const tag of ['!Train', '!above', '!below'])
      assert.deepEqual(load(`${tag} { batch_size: 1 }`, { registry, expect: Train }).options, {
        batchSize: 1,
      })
  })

  test('has the factories of the class', () => {
    const registry = new Registry()
    @alias('!box', { registry })
    @registrable('!Box2', { registry })
    class Box2 {
      constructor(readonly options: object = {}) {}
      @factory static of(options: object) {
        return new this({ of: options })
      }
    }
    assert.deepEqual(load('!box.of { a: 1 }', { registry, expect: Box2 }).options, { of: { a: 1 } })
  })

  test('of a registry repeats what the class was added with', () => {
    const registry = new Registry()
    registry.add(Box, '!Box', { keys: 'snake_case' })
    registry.alias(Box, '!box')
    assert.deepEqual(load('!box { a_b: 1 }', { registry, expect: Box }).options, { aB: 1 })
    assert.equal(registry.tagOf(Box), '!box')
  })
})

describe('namespace', () => {
  test('puts its name before each tag', () => {
    const registry = new Registry()
    const torch = namespace('torch', { registry })
    @torch.alias('!adam')
    @torch.registrable('!Adam')
    class Adam {
      constructor(readonly options: object = {}) {}
    }
    assert.deepEqual(registry.tags(), ['!torch.Adam', '!torch.adam'])
    assert.ok(load('!torch.Adam', { registry }) instanceof Adam)
    assert.equal(dump(new Adam(), { registry }), '!torch.adam {}\n')
  })

  test('puts its name before the name of the class when no tag is given', () => {
    const registry = new Registry()
    const torch = namespace('torch', { registry })
    @torch.registrable()
    class Adam {
      constructor(readonly options: object = {}) {}
    }
    assert.ok(load('!torch.Adam', { registry }) instanceof Adam)
    assert.deepEqual(registry.tags(), ['!torch.Adam'])
  })

  test('registers classes that one does not own', () => {
    const registry = new Registry()
    const web = namespace('web', { registry })
    web.register(URL, '!Url', { fromYaml: (builder, node) => new URL(builder.constructScalar(node)) })
    assert.ok(load('!web.Url https://example.org/', { registry }) instanceof URL)
  })

  test('keeps factories reachable', () => {
    const registry = new Registry()
    const torch = namespace('torch', { registry })
    @torch.registrable('!Adam')
    class Adam {
      constructor(readonly options: object = {}) {}
      @factory static fast() {
        return new this({ rate: 1 })
      }
    }
    assert.deepEqual(load('!torch.Adam.fast', { registry, expect: Adam }).options, { rate: 1 })
  })

  test('registers in the default registry when none is given', () => {
    namespace('reg-space').register(Box, '!Box')
    assert.ok(load('!reg-space.Box') instanceof Box)
    assert.equal(defaultRegistry.remove('!reg-space.Box'), true)
  })

  test('refuses a name or a tag that makes no tag', () => {
    const registry = new Registry()
    assert.throws(() => namespace('to rch'), refusal('BAD_TAG'))
    assert.throws(() => namespace(''), refusal('BAD_TAG'))
    const torch = namespace('torch', { registry })
    assert.throws(() => torch.registrable('!a b')(Box), refusal('BAD_TAG'))
    assert.throws(() => torch.registrable('Adam' as Tag)(Box), refusal('BAD_TAG', '"Adam"'))
    assert.deepEqual(registry.tags(), [])
  })
})

describe('factory', () => {
  test('refuses what is no static method at once', () => {
    const legacy = factory as unknown as (target: unknown, name: unknown) => void
    const wanted = refusal('NO_SUCH_FACTORY', 'write "@factory static open(options) { ... }"')
    assert.throws(() => legacy(Object.create(null), 'open'), wanted)
    const context = { kind: 'method', name: 'open', static: false, addInitializer() {} }
    assert.throws(() => legacy(() => {}, context), wanted)
  })

  @registrable('!reg-Model')
  class Model {
    constructor(readonly options: { layers?: number; from?: string } = {}) {}
    @factory static fromFile(options: { path: string }) {
      return new this({ from: options.path })
    }
    @factory({ schema: z.strictObject({ size: z.number().default(3) }) })
    static ofSize(options: { size: number }) {
      return new this({ layers: options.size })
    }
    static secret() {
      return new this({ from: 'secret' })
    }
  }

  @registrable('!reg-Big')
  class BigModel extends Model {}

  test('is called with the options and makes the object', () => {
    assert.deepEqual(load('!reg-Model.fromFile { path: a }', { expect: Model }).options, { from: 'a' })
  })

  test('of a parent is called with the class of the tag as `this`', () => {
    const model = load('!reg-Big.fromFile { path: a }', { expect: Model })
    assert.ok(model instanceof BigModel)
    assert.deepEqual(model.options, { from: 'a' })
  })

  test('has a schema of its own, which fills in and refuses', () => {
    assert.equal(load('!reg-Model.ofSize', { expect: Model }).options.layers, 3)
    assert.equal(load('!reg-Big.ofSize { size: 4 }', { expect: BigModel }).options.layers, 4)
    const [problem] = check('!reg-Model.ofSize { size: big }')
    assert.match(problem!.message, /^Option "size" of "!reg-Model\.ofSize": /)
    assert.equal(problem!.column, 27)
    assert.equal(check('!reg-Model.ofSize { size: 1, more: 2 }')[0]?.code, 'UNKNOWN_OPTION')
  })

  test('is not every static method', () => {
    assert.equal(check('!reg-Model.secret')[0]?.code, 'UNKNOWN_FACTORY')
    assert.equal(check('!reg-Model.constructor')[0]?.code, 'UNKNOWN_FACTORY')
    assert.equal(check('!reg-Model.toString')[0]?.code, 'UNKNOWN_FACTORY')
    assert.equal(defaultRegistry.has('!reg-Model.secret'), false)
    assert.equal(defaultRegistry.has('!reg-Model.fromFile'), true)
  })

  test('can be overridden by a subclass', () => {
    const registry = new Registry()
    @registrable('!Other', { registry })
    class Other extends Model {
      @factory static override fromFile() {
        return new this({ from: 'other' })
      }
    }
    assert.equal(load('!Other.fromFile { path: a }', { registry, expect: Other }).options.from, 'other')
  })

  test('of a subclass is unknown to its parent', () => {
    const registry = new Registry()
    @registrable('!Parent', { registry })
    class Parent {
      constructor(readonly options: object = {}) {}
    }
    @registrable('!Child', { registry })
    class Child extends Parent {
      @factory static make() {
        return new this({ made: true })
      }
    }
    assert.deepEqual(load('!Child.make', { registry, expect: Child }).options, { made: true })
    assert.equal(registry.has('!Parent.make'), false)
  })

  test('can be named in the options instead, for subclasses too', () => {
    const registry = new Registry()
    class Plain {
      constructor(readonly options: object = {}) {}
      static make(options: object) {
        return new this({ made: options })
      }
    }
    class Heir extends Plain {}
    registrable('!Plain', { registry, factories: ['make'] })(Plain)
    registrable('!Heir', { registry })(Heir)
    assert.deepEqual(load('!Plain.make { a: 1 }', { registry, expect: Plain }).options, { made: { a: 1 } })
    assert.ok(load('!Heir.make', { registry }) instanceof Heir)
  })

  test('that its class does not have is refused at registration', () => {
    const registry = new Registry()
    assert.throws(
      () => registry.add(Box, '!Box', { factories: ['fromFile'] }),
      refusal('NO_SUCH_FACTORY', '"Box"', '"fromFile"', 'static fromFile(options)'),
    )
    assert.equal(registry.has('!Box'), false)
  })

  test('that returns a promise is refused when it is called', () => {
    const registry = new Registry()
    class Slow {
      constructor(readonly options: object = {}) {}
      static async make() {
        return new Slow()
      }
    }
    registry.add(Slow, '!Slow', { factories: ['make'] })
    assert.throws(() => load('!Slow.make', { registry }), /factory "make" returned a promise/)
  })

  test('that its class does not have is refused with override as well', () => {
    const registry = new Registry()
    assert.throws(
      () => registry.add(Box, '!Box', { factories: ['fromFiel'], override: true }),
      refusal('NO_SUCH_FACTORY', '"Box"', '"fromFiel"'),
    )
  })

  test('that is a fromYaml which returns a promise is refused when it is called', () => {
    const registry = new Registry()
    registry.add(Box, '!Box', { fromYaml: async () => new Box() })
    registry.add(Crate, '!Crate', { fromYaml: (builder) => Promise.reject(builder) })
    assert.throws(() => load('!Box', { registry }), /"fromYaml" returned a promise/)
    assert.throws(() => load('!Crate', { registry }), /"fromYaml" returned a promise/)
  })

  test('may make an object of another class', () => {
    const registry = new Registry()
    class Maker {
      constructor(readonly options: object = {}) {}
      static box() {
        return new Box({ made: true })
      }
    }
    registry.add(Maker, '!Maker', { factories: ['box'] })
    assert.ok(load('!Maker.box', { registry }) instanceof Box)
  })
})

describe('a tag with a dot', () => {
  class Model {
    constructor(readonly options: object = {}) {}
    static b() {
      return new Model({ factory: true })
    }
  }

  test('is first the exact tag, then a factory', () => {
    const registry = new Registry()
    registry.add(Box, '!A.c')
    registry.add(Model, '!A', { factories: ['b'] })
    assert.ok(load('!A.c', { registry }) instanceof Box)
    assert.deepEqual(load('!A.b', { registry, expect: Model }).options, { factory: true })
    assert.equal(registry.get('!A.c')?.factory, undefined)
    assert.equal(registry.get('!A.b')?.factory, 'b')
  })

  test('splits at the last dot', () => {
    const registry = new Registry()
    registry.add(Model, '!a.b.Model', { factories: ['b'] })
    assert.deepEqual(load('!a.b.Model.b', { registry, expect: Model }).options, { factory: true })
  })

  test('that would be a factory as well is refused when the class comes second', () => {
    const registry = new Registry()
    registry.add(Model, '!A', { factories: ['b'] })
    assert.throws(() => registry.add(Box, '!A.b'), refusal('TAG_CLASH', '"!A.b"', '"Box"', '"b"', '"Model"'))
    assert.deepEqual(registry.tags(), ['!A'])
  })

  test('that would be a factory as well is refused when the factory comes second', () => {
    const registry = new Registry()
    registry.add(Box, '!A.b')
    assert.throws(
      () => registry.add(Model, '!A', { factories: ['b'] }),
      refusal('TAG_CLASH', '"!A.b"', '"Box"', '"b"', '"Model"'),
    )
    assert.deepEqual(registry.tags(), ['!A.b'])
  })

  test('that would be a factory of the parent registry as well is refused', () => {
    const parent = new Registry()
    parent.add(Model, '!A', { factories: ['b'] })
    assert.throws(() => parent.child().add(Box, '!A.b'), refusal('TAG_CLASH'))
  })
})

describe('one tag and two classes', () => {
  test('the same class again changes nothing', () => {
    const registry = new Registry()
    registry.add(Box, '!Box', { keys: 'snake_case' })
    registry.add(Box, '!box')
    registry.add(Box, '!Box')
    assert.deepEqual(registry.tags(), ['!Box', '!box'])
    assert.equal(registry.tagOf(Box), '!box')
    assert.deepEqual(load('!Box { a_b: 1 }', { registry, expect: Box }).options, { aB: 1 })
  })

  test('a second class is refused, and both are named', () => {
    const registry = new Registry()
    registry.add(Box, '!Box')
    assert.throws(
      () => registry.add(Crate, '!Box'),
      refusal('TAG_TAKEN', '"!Box"', 'class "Box"', 'class "Crate"', '{ override: true }'),
    )
    assert.ok(load('!Box', { registry }) instanceof Box)
    assert.equal(registry.tagOf(Crate), undefined)
  })

  test('a decorator is refused as well', () => {
    const registry = new Registry()
    registry.add(Box, '!Box')
    assert.throws(
      () => {
        @registrable('!Box', { registry })
        class Other {
          constructor(readonly options: object = {}) {}
        }
        return Other
      },
      refusal('TAG_TAKEN', 'class "Other"'),
    )
  })

  test('override takes the tag away from the first', () => {
    const registry = new Registry()
    registry.add(Box, '!Box')
    registry.add(Box, '!box')
    registry.add(Crate, '!box', { override: true })
    assert.ok(load('!box', { registry }) instanceof Crate)
    assert.equal(registry.tagOf(Box), '!Box')
    assert.equal(registry.tagOf(Crate), '!box')
    registry.add(Crate, '!Box', { override: true })
    assert.equal(registry.tagOf(Box), undefined)
  })

  test('override renews what is known of the same class', () => {
    const registry = new Registry()
    registry.add(Box, '!Box')
    registry.add(Box, '!Box', { keys: 'snake_case', override: true })
    assert.deepEqual(load('!Box { a_b: 1 }', { registry, expect: Box }).options, { aB: 1 })
  })

  test('a tag that could be removed is free again', () => {
    const registry = new Registry()
    registry.add(Box, '!Box')
    assert.equal(registry.remove('!Box'), true)
    assert.equal(registry.remove('!Box'), false)
    assert.equal(registry.has('!Box'), false)
    assert.equal(registry.tagOf(Box), undefined)
    assert.throws(() => load('!Box', { registry }), /Unknown tag "!Box"/)
    registry.add(Crate, '!Box')
    assert.ok(load('!Box', { registry }) instanceof Crate)
  })

  test('removing the last alias gives the word to the one before', () => {
    const registry = new Registry()
    registry.add(Box, '!Box')
    registry.alias(Box, '!box')
    registry.remove('!box')
    assert.equal(registry.tagOf(Box), '!Box')
  })
})

describe('child', () => {
  test('sees its parent and adds to itself', () => {
    const parent = new Registry()
    parent.add(Box, '!Box')
    const child = parent.child()
    child.add(Crate, '!Crate')
    assert.deepEqual(child.tags(), ['!Box', '!Crate'])
    assert.deepEqual(parent.tags(), ['!Box'])
    assert.equal(child.tagOf(Box), '!Box')
    assert.equal(parent.has('!Crate'), false)
    assert.ok(load('!Box', { registry: child }) instanceof Box)
    assert.throws(() => load('!Crate', { registry: parent }), /Unknown tag/)
  })

  test('sees what its parent gets and loses later', () => {
    const parent = new Registry()
    const child = parent.child()
    assert.equal(child.has('!Box'), false)
    parent.add(Box, '!Box')
    assert.equal(child.has('!Box'), true)
    parent.remove('!Box')
    assert.equal(child.has('!Box'), false)
  })

  test('cannot remove what its parent has', () => {
    const parent = new Registry()
    parent.add(Box, '!Box')
    assert.equal(parent.child().remove('!Box'), false)
    assert.equal(parent.has('!Box'), true)
  })

  test('needs override to put another class in place of one of its parent', () => {
    const parent = new Registry()
    parent.add(Box, '!Box')
    const child = parent.child()
    assert.throws(() => child.add(Crate, '!Box'), refusal('TAG_TAKEN', '"Box"', '"Crate"'))
    child.add(Crate, '!Box', { override: true })
    assert.ok(load('!Box', { registry: child }) instanceof Crate)
    assert.ok(load('!Box', { registry: parent }) instanceof Box)
    assert.equal(child.remove('!Box'), true)
    assert.ok(load('!Box', { registry: child }) instanceof Box)
  })

  test('does not write the tag that it gave to another class', () => {
    const parent = new Registry()
    parent.add(Box, '!Box')
    const child = parent.child()
    child.add(Crate, '!Box', { override: true })
    assert.equal(child.tagOf(Box), undefined)
    assert.throws(() => dump(new Box({ a: 1 }), { registry: child }), refusal('UNREGISTERED_CLASS', '"Box"'))
  })

  test('writes another tag of its parent in place of the one that it gave to another class', () => {
    const parent = new Registry()
    parent.add(Box, '!Box')
    parent.alias(Box, '!Case')
    const child = parent.child()
    child.add(Crate, '!Case', { override: true })
    assert.equal(child.tagOf(Box), '!Box')
    assert.equal(child.child().tagOf(Box), '!Box')
    assert.equal(parent.tagOf(Box), '!Case')
  })

  test('of the default registry sees what decorators registered', () => {
    register(Box, '!reg-Seen')
    assert.ok(load('!reg-Seen', { registry: defaultRegistry.child() }) instanceof Box)
    defaultRegistry.remove('!reg-Seen')
  })
})

describe('Registry', () => {
  test('is empty at first', () => {
    const registry = new Registry()
    assert.deepEqual(registry.tags(), [])
    assert.equal(registry.get('!Box'), undefined)
    assert.equal(registry.tagOf(Box), undefined)
  })

  test('adds a class under the tags that its decorators declare', () => {
    const first = new Registry()
    const second = new Registry()
    @alias('!trainer', { registry: first })
    @registrable('!Train', { registry: first, keys: 'snake_case', description: 'Trains a model' })
    class Train {
      constructor(readonly options: object = {}) {}
      @factory static make() {
        return new this({ made: true })
      }
    }
    second.add(Train)
    assert.deepEqual(second.tags(), ['!Train', '!trainer'])
    assert.equal(second.tagOf(Train), '!trainer')
    assert.deepEqual(load('!Train { a_b: 1 }', { registry: second, expect: Train }).options, { aB: 1 })
    assert.deepEqual(load('!trainer.make', { registry: second, expect: Train }).options, { made: true })
    assert.equal(second.get('!Train')?.definition.description, 'Trains a model')
  })

  test('keeps what a class said of itself under another tag', () => {
    const registry = new Registry()
    @registrable('!Train', { registry: new Registry(), keys: 'snake_case' })
    class Train {
      constructor(readonly options: object = {}) {}
    }
    registry.add(Train, '!Other')
    assert.deepEqual(load('!Other { a_b: 1 }', { registry, expect: Train }).options, { aB: 1 })
    registry.add(Train, '!Plain', { keys: 'as-written' })
    assert.deepEqual(load('!Plain { a_b: 1 }', { registry, expect: Train }).options, { a_b: 1 })
  })

  test('adds a class without decorators under its name', () => {
    const registry = new Registry()
    registry.add(Box)
    assert.ok(load('!Box', { registry }) instanceof Box)
  })

  test('knows what a tag stands for', () => {
    const registry = new Registry()
    registry.add(Box, '!Old', { deprecated: 'use !New', description: 'Holds things' })
    const found = registry.get('!Old')
    assert.equal(found?.Class, Box)
    assert.equal(found?.tag, '!Old')
    assert.equal(found?.deprecated, 'use !New')
    assert.equal(found?.definition.description, 'Holds things')
  })

  test('loads a deprecated tag all the same', () => {
    const registry = new Registry()
    @alias('!New', { registry })
    @registrable('!Old', { registry, deprecated: 'use !New' })
    class Thing {
      constructor(readonly options: object = {}) {}
    }
    assert.ok(load('!Old', { registry }) instanceof Thing)
    assert.deepEqual(check('!Old', { registry }), [])
    assert.equal(registry.get('!New')?.deprecated, undefined)
  })

  test('lists its tags in order, without factories', () => {
    const registry = new Registry()
    class Model {
      static make() {
        return new Model()
      }
    }
    registry.add(Crate, '!z')
    registry.add(Model, '!m', { factories: ['make'] })
    registry.add(Box, '!a')
    assert.deepEqual(registry.tags(), ['!a', '!m', '!z'])
  })

  test('hides nothing behind names that every object has', () => {
    const registry = new Registry()
    for (const tag of ['!constructor', '!__proto__', '!toString', '!hasOwnProperty.call'])
      assert.equal(registry.has(tag), false)
    registry.add(Box, '!__proto__')
    assert.ok(load('!__proto__ { a: 1 }', { registry }) instanceof Box)
  })

  test('stands beside others that have the same tags', async () => {
    const registries = [Box, Crate].map((Class) => {
      const registry = new Registry()
      registry.add(Class, '!Thing')
      return { Class, registry }
    })
    const loaded = registries.map(async ({ Class, registry }) => {
      await null
      return { Class, thing: load('{ a: !Thing , b: [!Thing ] }', { registry }) as any }
    })
    for (const { Class, thing } of await Promise.all(loaded)) {
      assert.ok(thing.a instanceof Class)
      assert.ok(thing.b[0] instanceof Class)
    }
    assert.equal(defaultRegistry.has('!Thing'), false)
  })
})

describe('register', () => {
  test('takes a class that one does not own, however it is constructed', () => {
    const registry = new Registry()
    register(URL, '!Url', {
      registry,
      fromYaml: (builder, node) => new URL(builder.constructScalar(node)),
      toYaml: (representer, url, tag) => representer.representScalar(tag, url.href),
    })
    const url = load('!Url https://example.org/a', { registry, expect: URL })
    assert.equal(url.pathname, '/a')
    assert.equal(
      dump({ url: new URL('https://example.org/b') }, { registry }),
      'url: !Url https://example.org/b\n',
    )
  })

  test('leaves a class that is registered twice with the options of each tag', () => {
    const registry = new Registry()
    register(Box, '!Camel', { registry })
    register(Box, '!Snake', { registry, keys: 'snake_case' })
    assert.deepEqual(load('!Camel { a_b: 1 }', { registry, expect: Box }).options, { a_b: 1 })
    assert.deepEqual(load('!Snake { a_b: 1 }', { registry, expect: Box }).options, { aB: 1 })
  })

  test('validates with a schema that the class knows nothing of', () => {
    const registry = new Registry()
    register(Box, '!Box', { registry, schema: z.object({ a: z.number().default(1) }) })
    assert.deepEqual(load('!Box', { registry, expect: Box }).options, { a: 1 })
    assert.equal(check('!Box { a: x }', { registry })[0]?.code, 'BAD_OPTION')
  })

  test('prefers its options to the static methods of the class', () => {
    class Word {
      constructor(readonly text: string) {}
      static fromYaml() {
        return new Word('static')
      }
    }
    const registry = new Registry()
    register(Word, '!Word', { registry })
    register(Word, '!word', { registry, fromYaml: () => new Word('option') })
    assert.equal(load('!Word a', { registry, expect: Word }).text, 'static')
    assert.equal(load('!word a', { registry, expect: Word }).text, 'option')
  })

  test('calls a static fromYaml with the class of the tag as `this`', () => {
    class Word {
      text = ''
      static fromYaml() {
        return new this()
      }
    }
    class Verb extends Word {}
    const registry = new Registry()
    register(Word, '!Word', { registry })
    register(Verb, '!Verb', { registry })
    assert.equal((load('!Word a', { registry }) as object).constructor, Word)
    assert.equal((load('!Verb a', { registry }) as object).constructor, Verb)
  })
})

describe('snake_case keys', () => {
  const registry = new Registry()
  registry.add(Box, '!Box', { keys: 'snake_case' })

  test('become options in camel case, at the top only', () => {
    const { options } = load('!Box { learning_rate: 1, inner: { some_key: 2 } }', { registry, expect: Box })
    assert.deepEqual(options, { learningRate: 1, inner: { some_key: 2 } })
  })

  test('may be written in camel case, but not twice', () => {
    assert.deepEqual(load('!Box { learningRate: 1 }', { registry, expect: Box }).options, { learningRate: 1 })
    const [problem, ...others] = check('!Box\nlearning_rate: 1\nlearningRate: 2\n', { registry })
    assert.deepEqual(others, [])
    assert.equal(problem?.code, 'KEY_TWICE')
    assert.deepEqual([problem?.line, problem?.column, problem?.endColumn], [3, 1, 13])
    assert.equal(
      problem?.message,
      '"learningRate" and "learning_rate" are the same option: write one of them',
    )
  })

  test('are written in snake case', () => {
    assert.equal(dump(new Box({ learningRate: 1 }), { registry }), '!Box\nlearning_rate: 1\n')
    for (const options of [{ URL: 1 }, { Name: 1 }, { _Own: 1 }, { useTLS: 1 }]) {
      const text = dump(new Box(options), { registry })
      assert.deepEqual(load(text, { registry, expect: Box }).options, options, text)
    }
    const text = '!Box\nlearningRate: 1\nbatch_size: 2\n'
    assert.equal(dump(load(text, { registry }), { registry }), text)
  })
})

describe('the default registry', () => {
  const shared = (globalThis as any)[Symbol.for('flambeau.registry')]

  test('lives on the global object with a format number', () => {
    assert.equal(shared.registry, defaultRegistry)
    assert.equal(typeof shared.format, 'number')
    assert.equal(typeof shared.version, 'string')
    const found = Object.getOwnPropertyDescriptor(globalThis, Symbol.for('flambeau.registry'))
    assert.equal(found?.enumerable, false)
  })

  test('holds flambeau’s own tag', () => {
    assert.equal(defaultRegistry.has('!RemoteEnvironment'), true)
    assert.equal(new Registry().has('!RemoteEnvironment'), false)
  })

  test('is what load, dump and check use', () => {
    register(Box, '!reg-Default')
    assert.equal(dump(load('!reg-Default\na: 1\n')), '!reg-Default\na: 1\n')
    assert.deepEqual(check('!reg-Default'), [])
    defaultRegistry.remove('!reg-Default')
    assert.equal(check('!reg-Default')[0]?.code, 'UNKNOWN_TAG')
  })
})

describe('reflect-metadata', () => {
  test('in full beside flambeau keeps its own keys and flambeau’s apart', () => {
    const registry = new Registry()
    const Reflected = Reflect as any
    @registrable('!Both', { registry })
    class Both extends MappedRegistrable {
      @factory static make() {
        return new this({ made: true })
      }
    }
    Reflected.defineMetadata('mine', 1, Both)
    assert.equal(Reflected.getMetadata('mine', Both), 1)
    assert.ok(load('!Both.make', { registry }) instanceof Both)
  })

  for (const order of [
    ['reflect-metadata', 'flambeau'],
    ['flambeau', 'reflect-metadata'],
  ])
    test(`works when ${order.join(' is imported before ')}`, () => {
      const printed = runScript(`
        await import('${order[0]}')
        await import('${order[1]}')
        const { load, factory, registrable } = await import('flambeau')
        class Train { constructor(options) { this.options = options } static make() { return new this({ made: 1 }) } }
        factory(Train, 'make')
        registrable('!Train')(Train)
        Reflect.defineMetadata('mine', 'kept', Train)
        console.log(JSON.stringify([load('!Train.make').options, Reflect.getMetadata('mine', Train)]))`)
      assert.equal(printed, '[{"made":1},"kept"]\n')
    })
})

describe('two copies of the package in one process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-copies-'))
  cpSync('dist', join(folder, 'copy', 'dist'), { recursive: true })
  cpSync('package.json', join(folder, 'copy', 'package.json'))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  after(() => rmSync(folder, { recursive: true }))
  const copies = `
    const warnings = []
    process.on('warning', ({ message }) => warnings.push(message))
    const a = await import('flambeau')
    const b = await import('${pathToFileURL(join(folder, 'copy', 'dist', 'index.js')).href}')
    const { z } = await import('zod')`

  test('share one registry and warn once, naming both versions', () => {
    const printed = runScript(`${copies}
      class Train { constructor(options) { this.options = options } }
      a.registrable('!Train')(Train)
      await new Promise(setImmediate)
      console.log(JSON.stringify([b.load('!Train { a: 1 }').options, a.defaultRegistry === b.defaultRegistry, warnings]))`)
    const [options, same, warnings] = JSON.parse(printed)
    assert.deepEqual(options, { a: 1 })
    assert.equal(same, true)
    assert.equal(warnings.length, 1)
    assert.match(
      warnings[0],
      /^flambeau \S+ and flambeau \S+ are loaded in one process: they share one registry/,
    )
  })

  test('dump what the other has loaded, comments and templates included', () => {
    const printed = runScript(`${copies}
      class Sweep { constructor(options) { this.options = options } }
      a.registrable('!Sweep', { templates: ['each'] })(Sweep)
      const text = '!Sweep\\nrate: 0x1F # as written\\neach: !Sweep\\n  a: 1\\n'
      console.log(JSON.stringify([text, b.dump(a.load(text))]))`)
    const [text, dumped] = JSON.parse(printed)
    assert.equal(dumped, text)
  })

  test('validate options once, whichever of them loads', () => {
    const printed = runScript(`${copies}
      const schema = z.object({ word: z.string().transform((word) => word.length) })
      class Train extends a.MappedRegistrable.with(schema) {}
      a.registrable('!Train')(Train)
      console.log(JSON.stringify(b.load('!Train { word: four }').options))`)
    assert.equal(printed, '{"word":4}\n')
  })

  test('know each other’s errors and runnables', () => {
    const printed = runScript(`${copies}
      const thrown = (() => { try { a.load('!Nobody') } catch (error) { return error } })()
      class Greet extends a.Runnable { run() {} }
      console.log(JSON.stringify([b.isFlambeauError(thrown), b.isRunnable(new Greet())]))`)
    assert.equal(printed, '[true,true]\n')
  })

  test('of another format refuse each other, naming both versions', () => {
    const printed = runScript(`
      globalThis[Symbol.for('flambeau.registry')] = { format: 99, version: '99.0.0' }
      const error = await import('flambeau').catch((error) => error)
      console.log(error.name, error.code, error.message)`)
    assert.match(printed, /^RegistrationError TWO_COPIES flambeau 99\.0\.0 and flambeau \d+\.\d+\.\d+/)
    assert.match(printed, /cannot share a registry: install one of them/)
  })
})

function runScript(script: string): string {
  const node = [process.execPath, '--no-warnings', '--input-type=module', '--eval', script] as const
  return execFileSync(node[0], node.slice(1), { encoding: 'utf8' })
}
