/**
 * What flambé's own tests show of registrables, test by test and in their order:
 * tests/unit/compile/test_registrable.py in asappresearch/flambe.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  alias,
  type Builder,
  dump,
  factory,
  load,
  type Node,
  namespace,
  Registrable,
  Registry,
  type Representer,
  register,
  registrable,
  type Tag,
} from 'flambeau'

type Options = Record<string, any>

class BaseA extends Registrable {
  constructor(
    readonly akw1: unknown = 0,
    readonly akw2: any = null,
  ) {
    super()
  }

  @factory static someFactory({ akw1, akw2 }: Options) {
    return new this(akw1, akw2)
  }

  static override fromYaml(builder: Builder, node: Node, factoryName?: string) {
    const options = builder.constructMapping(node)
    if (factoryName === 'someFactory') return this.someFactory(options)
    return new this(options['akw1'], options['akw2'])
  }

  static override toYaml(representer: Representer, { akw1, akw2 }: BaseA, tag: Tag) {
    return representer.representMapping(tag, { akw1, akw2 })
  }
}

class BaseB extends Registrable {
  constructor(
    readonly bkw1: unknown = 0,
    readonly bkw2: unknown = '',
  ) {
    super()
  }

  static override fromYaml(builder: Builder, node: Node) {
    const { bkw1, bkw2 } = builder.constructMapping(node)
    return new this(bkw1, bkw2)
  }

  static override toYaml(representer: Representer, { bkw1, bkw2 }: BaseB, tag: Tag) {
    return representer.representMapping(tag, { bkw1, bkw2 })
  }
}

function makeClasses() {
  const registry = new Registry()
  @registrable('!A', { registry })
  class A extends BaseA {}
  @registrable('!B', { registry })
  class B extends BaseB {}
  return { registry, A, B }
}

function makeNamespaceClasses() {
  const registry = new Registry()
  const ns = namespace('ns', { registry })
  @ns.registrable('!A')
  class A extends BaseA {}
  @ns.registrable('!B')
  class B extends BaseB {}
  return { registry, A, B }
}

function makeAliasedClasses() {
  const registry = new Registry()
  @alias('!a_class', { registry })
  @registrable('!A', { registry })
  class A extends BaseA {}
  @alias('!b_class', { registry })
  @alias('!b_', { registry })
  @registrable('!B', { registry })
  class B extends BaseB {}
  return { registry, A, B }
}

function makeNewClasses() {
  const registry = new Registry()
  class A extends BaseA {}
  class B extends BaseB {}
  register(A, '!a_class', { registry })
  register(B, '!b_', { registry })
  register(B, '!b_class', { registry })
  return { registry, A, B }
}

function nested(a: string, b: string): string {
  return `a: ${a}\n  akw1: 8\n  akw2: ${b}\n    bkw1: 2\n    bkw2: hello world\n`
}

function dumped(a: string, b: string): string {
  return `${a}\nakw1: 8\nakw2: ${b}\n  bkw1: 2\n  bkw2: hello world\n`
}

type Made = ReturnType<typeof makeClasses>

function loads(text: string, { registry, A, B }: Made): void {
  const { a } = load(text, { registry }) as { a: BaseA }
  assert.ok(a instanceof A)
  assert.equal(a.akw1, 8)
  assert.ok(a.akw2 instanceof B)
  assert.equal(a.akw2.bkw1, 2)
  assert.equal(a.akw2.bkw2, 'hello world')
}

function dumpsTo(text: string, { registry, A, B }: Made): void {
  assert.equal(dump(new A(8, new B(2, 'hello world')), { registry }), text)
}

function roundtrips(text: string, { registry }: Made): void {
  assert.equal(dump(load(text, { registry }), { registry }), text)
}

test('registrable load basic', () => loads(nested('!A', '!B'), makeClasses()))

test('registrable load context', () => loads(nested('!ns.A', '!ns.B'), makeNamespaceClasses()))

test('registrable dump basic', () => dumpsTo(dumped('!A', '!B'), makeClasses()))

test('registrable roundtrip', () => roundtrips(nested('!A', '!B'), makeClasses()))

test('registrable load alias', () => loads(nested('!a_class', '!b_class'), makeAliasedClasses()))

test('registrable dump alias', () => dumpsTo(dumped('!a_class', '!b_class'), makeAliasedClasses()))

test('registrable roundtrip alias default', () => roundtrips(nested('!a_class', '!b_'), makeAliasedClasses()))

test('registrable load new class', () => loads(nested('!a_class', '!b_class'), makeNewClasses()))

test('registrable dump new class', () => dumpsTo(dumped('!a_class', '!b_class'), makeNewClasses()))

test('registrable roundtrip new default', () => roundtrips(nested('!a_class', '!b_'), makeNewClasses()))

test('registrable factory', () => loads(nested('!A.someFactory', '!B'), makeClasses()))

test('registrable factory roundtrip', () => roundtrips(nested('!A.someFactory', '!B'), makeClasses()))

test('registrable factory roundtrip alias', () => {
  const made = makeAliasedClasses()
  const text = nested('!a_class.someFactory', '!b_')
  loads(text, made)
  roundtrips(text, made)
})
