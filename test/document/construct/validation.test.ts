import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ClusterRunnable,
  check,
  dump,
  FlambeauError,
  factory,
  load,
  MappedRegistrable,
  RegistrationError,
  Registry,
  RemoteEnvironment,
  Runnable,
  registrable,
  type StandardSchema,
  ValidationError,
} from 'flambeau'
import * as v from 'valibot'
import { z } from 'zod'
import { onlyProblem, refused, summary } from '../../support/problems.js'

const schemas = {
  zod: z.strictObject({
    data: z.string(),
    rate: z.number().default(0.1),
    layers: z.array(z.number()).optional(),
    inner: z.strictObject({ size: z.number() }).optional(),
  }),
  valibot: v.strictObject({
    data: v.string(),
    rate: v.optional(v.number(), 0.1),
    layers: v.optional(v.array(v.number())),
    inner: v.optional(v.strictObject({ size: v.number() })),
  }),
}

for (const [vendor, schema] of Object.entries(schemas))
  describe(`with(schema) of ${vendor}`, () => {
    const registry = new Registry()
    class Train extends MappedRegistrable.with(schema) {}
    registry.add(Train, '!Train')

    test('fills defaults in, in YAML and in code alike', () => {
      const expected = { data: 'a.csv', rate: 0.1 }
      assert.deepEqual(load('!Train { data: a.csv }', { registry, expect: Train }).options, expected)
      assert.deepEqual(new Train({ data: 'a.csv' }).options, expected)
    })

    test('refuses in YAML and in code what is of the wrong type', () => {
      const problem = onlyProblem('!Train\ndata: a.csv\nrate: fast\n', { registry })
      assert.equal(summary(problem), '3:7-11 BAD_OPTION')
      assert.match(problem.message, /^Option "rate" of "!Train": Invalid .*expected number/i)
      assert.throws(
        () => new Train({ data: 'a.csv', rate: 'fast' as never }),
        (error: unknown) => {
          assert.ok(error instanceof ValidationError)
          assert.equal(error.code, 'BAD_OPTION')
          assert.match(error.message, /^Option "rate" of "Train": Invalid .*expected number/i)
          return true
        },
      )
    })

    test('refuses in YAML and in code what lacks an option', () => {
      const problem = onlyProblem('- !Train\n  rate: 1\n', { registry })
      assert.equal(summary(problem), '1:3-9 MISSING_OPTION')
      assert.match(problem.message, /^Option "data" of "!Train" is missing: /)
      assert.throws(() => new Train({} as never), /^ValidationError: Option "data" of "Train"/)
      assert.throws(() => new (Train as any)(), /^ValidationError: Option "data" of "Train"/)
    })

    test('names the class that is made, not the one that has the schema', () => {
      class Heir extends Train {}
      assert.throws(() => new Heir({} as never), /of "Heir"/)
    })

    test('shows three issues at their three places', () => {
      const text = '!Train\ndata: 1\nrate: fast\nlayers: [1, two, 3]\n'
      const problems = check(text, { registry })
      assert.deepEqual(problems.map(summary), ['2:7-8 BAD_OPTION', '3:7-11 BAD_OPTION', '4:13-16 BAD_OPTION'])
      assert.match(problems[2]!.message, /^Option "layers\[1\]" of "!Train": /)
      const error = refused(text, { registry })
      assert.ok(error instanceof ValidationError)
      assert.deepEqual(error.problems, problems)
      for (const { message } of problems) assert.ok(error.message.includes(message))
    })

    test('names three issues in code', () => {
      const options = { data: 1, rate: 'fast', layers: [1, 'two'] } as never
      assert.throws(() => new Train(options), /"data" of "Train".*\n.*"rate" of .*\n.*"layers\[1\]" of/)
    })

    test('shows an issue of a nested option at its value', () => {
      const problem = onlyProblem('!Train { data: a, inner: { size: big } }', { registry })
      assert.equal(summary(problem), '1:34-37 BAD_OPTION')
      assert.match(problem.message, /^Option "inner\.size" of "!Train": /)
    })

    test('shows a missing nested option at its parent', () => {
      const problem = onlyProblem('!Train { data: a, inner: { } }', { registry })
      assert.equal(summary(problem), '1:26-29 MISSING_OPTION')
      assert.match(problem.message, /^Option "inner\.size" of "!Train" is missing: /)
    })

    test('shows an unknown option at its key', () => {
      const problem = onlyProblem('!Train { data: a, extra: true }', { registry })
      assert.equal(summary(problem), '1:19-24 UNKNOWN_OPTION')
      assert.equal(problem.message, 'Option "extra" of "!Train" is unknown: remove it')
    })

    test('shows unknown options beside others, nested ones too, in file order', () => {
      const text = '!Train\nextra: 1\ninner:\n  size: 1\n  more: 2\nrate: fast\ndata: a\n'
      assert.deepEqual(check(text, { registry }).map(summary), [
        '2:1-6 UNKNOWN_OPTION',
        '5:3-7 UNKNOWN_OPTION',
        '6:7-11 BAD_OPTION',
      ])
    })

    test('names an unknown option in code', () => {
      assert.throws(() => new Train({ data: 'a', extra: 1 } as never), /"extra"/)
    })

    test('points at the anchor of an option that is an alias, or at what is merged in', () => {
      const text = '- &base { rate: fast }\n- !Train { data: a, <<: *base }\n'
      assert.equal(summary(onlyProblem(text, { registry })), '1:17-21 BAD_OPTION')
    })

    test('dumps only what was given', () => {
      assert.equal(dump(new Train({ data: 'a' }), { registry }), '!Train\ndata: a\n')
      assert.equal(dump(load('!Train\ndata: a\n', { registry }), { registry }), '!Train\ndata: a\n')
    })

    test('dumps what it filled in when asked to', () => {
      const full = '!Train\ndata: a\nrate: 0.1\n'
      assert.equal(dump(new Train({ data: 'a' }), { registry, defaults: true }), full)
      const loaded = load('!Train\n# where from\ndata: a\n', { registry })
      assert.match(dump(loaded, { registry, defaults: true }), /# where from\n/)
      assert.deepEqual(load(dump(loaded, { registry, defaults: true }), { registry }), loaded)
      assert.equal(dump(load(full, { registry }), { registry, defaults: true }), full)
    })
  })

for (const [vendor, length] of Object.entries({
  zod: z.object({ word: z.string().transform((word) => word.length) }),
  valibot: v.object({
    word: v.pipe(
      v.string(),
      v.transform((word) => word.length),
    ),
  }),
}))
  describe(`a transform of ${vendor}`, () => {
    const registry = new Registry()
    class Measure extends MappedRegistrable.with(length) {}
    registry.add(Measure, '!Measure')

    test('is applied once, by the loader and by the constructor', () => {
      assert.deepEqual(load('!Measure { word: four }', { registry, expect: Measure }).options, { word: 4 })
      assert.deepEqual(new Measure({ word: 'four' }).options, { word: 4 })
    })

    test('is not written: the dump has what was given', () => {
      assert.equal(dump(new Measure({ word: 'four' }), { registry }), '!Measure\nword: four\n')
      const options = { registry, defaults: true }
      assert.equal(dump(new Measure({ word: 'four' }), options), '!Measure\nword: four\n')
      assert.equal(dump(load('!Measure\nword: four\n', { registry }), options), '!Measure\nword: four\n')
    })
  })

describe('a schema whose output is no mapping', () => {
  const registry = new Registry()
  class Path extends MappedRegistrable.with(
    z.object({ path: z.string() }).transform(({ path }) => path.split('/')),
  ) {}
  class Word extends MappedRegistrable.with(z.object({ word: z.string() }).transform(({ word }) => word)) {}
  registry.add(Path, '!Path')
  registry.add(Word, '!Word')

  test('makes options of another kind, in YAML and in code alike', () => {
    assert.deepEqual(new Path({ path: 'a/b' }).options, ['a', 'b'])
    assert.deepEqual(load('!Path { path: a/b }', { registry, expect: Path }).options, ['a', 'b'])
    assert.equal(new Word({ word: 'a' }).options, 'a')
    assert.equal(load('!Word { word: a }', { registry, expect: Word }).options, 'a')
  })

  test('dumps what was given', () => {
    assert.equal(dump(new Path({ path: 'a/b' }), { registry }), '!Path\npath: a/b\n')
    assert.equal(dump(load('!Path\npath: a/b\n', { registry }), { registry }), '!Path\npath: a/b\n')
  })
})

describe('an unknown option', () => {
  const registry = new Registry()
  class Train extends MappedRegistrable.with(
    z.strictObject({ learningRate: z.number().optional(), inner: z.strictObject({ momentum: z.number() }) }),
  ) {}
  registry.add(Train, '!Train')
  registry.add(Train, '!Snake', { keys: 'snake_case' })

  test('that is near to a known one says which, as it is written in the file', () => {
    const [problem] = check('!Train { learningRat: 1, inner: { momentum: 1 } }', { registry })
    assert.equal(
      problem?.message,
      'Option "learningRat" of "!Train" is unknown: did you mean "learningRate"?',
    )
    assert.equal(problem?.hint, 'learningRate')
    const [snake] = check('!Snake { learning_rat: 1, inner: { momentum: 1 } }', { registry })
    assert.equal(
      snake?.message,
      'Option "learning_rat" of "!Snake" is unknown: did you mean "learning_rate"?',
    )
    assert.equal(snake?.hint, 'learning_rate')
  })

  test('inside of another says which, too', () => {
    const problems = check('!Train { inner: { momentun: 1 } }', { registry })
    const unknown = problems.find(({ code }) => code === 'UNKNOWN_OPTION')
    assert.equal(summary(unknown!), '1:19-27 UNKNOWN_OPTION')
    assert.match(
      unknown!.message,
      /^Option "inner\.momentun" of "!Train" is unknown: did you mean "momentum"\?$/,
    )
  })
})

describe('a hand-written Standard Schema', () => {
  function counting() {
    const calls: unknown[] = []
    const schema: StandardSchema<{ n: number }> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate(value) {
          calls.push(value)
          return { value: { ...(value as { n: number }) } }
        },
      },
    }
    return { calls, schema }
  }

  test('is asked once when an object is made in code', () => {
    const { calls, schema } = counting()
    class Counted extends MappedRegistrable.with(schema) {}
    assert.equal(new Counted({ n: 1 }).options.n, 1)
    assert.deepEqual(calls, [{ n: 1 }])
  })

  test('is asked no more often when the class has it through `with`', () => {
    const registry = new Registry()
    const [withIt, beside] = [counting(), counting()]
    class Counted extends MappedRegistrable.with(withIt.schema) {}
    class Plain {
      constructor(readonly options: { n: number }) {}
    }
    registry.add(Counted, '!Counted')
    registry.add(Plain, '!Plain', { schema: beside.schema })
    load('[!Counted { n: 1 }, !Plain { n: 1 }]', { registry })
    assert.equal(withIt.calls.length, beside.calls.length)
  })

  test('gives the constructor the very object that it made', () => {
    const made = { n: 7 }
    const schema: StandardSchema<object, { n: number }> = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ value: made }) },
    }
    class Plain {
      constructor(readonly options: { n: number }) {}
    }
    const registry = new Registry()
    registry.add(Plain, '!Plain', { schema })
    assert.equal(load('!Plain', { registry, expect: Plain }).options, made)
  })

  test('may name the way to an issue by keys or by objects that have them', () => {
    const schema: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({
          issues: [
            { message: 'too small.', path: ['a', 1] },
            { message: 'too big', path: [{ key: 'b' }, { key: 'c' }] },
            { message: 'all wrong' },
          ],
        }),
      },
    }
    const registry = new Registry()
    registry.add(class Wrong {}, '!Wrong', { schema })
    const problems = check('!Wrong { a: [1, 2], b: { c: 3 } }', { registry })
    assert.deepEqual(
      problems.map((problem) => `${summary(problem)} ${problem.message}`),
      [
        '1:1-7 BAD_OPTION Options of "!Wrong": all wrong',
        '1:17-18 BAD_OPTION Option "a[1]" of "!Wrong": too small',
        '1:29-30 BAD_OPTION Option "b.c" of "!Wrong": too big',
      ],
    )
  })

  test('that throws is a problem at its node', () => {
    const schema = v.object({
      a: v.pipe(
        v.any(),
        v.check((a) => a.b.c),
      ),
    })
    const registry = new Registry()
    class Fragile {
      constructor(readonly options: object) {}
    }
    registry.add(Fragile, '!Fragile', { schema })
    const problem = onlyProblem('- !Fragile { a: 1 }', { registry })
    assert.equal(problem.column, 3)
    assert.match(problem.message, /"!Fragile".*threw "Cannot read properties of undefined/)
  })

  test('that throws is a typed error where zod hides it in a promise', async () => {
    const registry = new Registry()
    class Fragile extends MappedRegistrable.with(z.object({ a: z.any().refine((a) => a.b.c) })) {}
    registry.add(Fragile, '!Fragile')
    assert.throws(() => load('!Fragile { a: 1 }', { registry }), FlambeauError)
    assert.throws(() => new Fragile({ a: 1 }), FlambeauError)
    await new Promise(setImmediate) // a rejection that nobody handles would end the process
  })

  test('that throws at the real child only is a typed error as well', async () => {
    const registry = new Registry()
    class Child {
      ready = true
    }
    const schema = z.object({
      child: z.custom(({ ready }: any) => {
        if (ready) throw new Error('boom')
        return true
      }),
    })
    class Parent extends MappedRegistrable.with(schema) {}
    registry.add(Child, '!Child')
    registry.add(Parent, '!Parent')
    assert.throws(() => load('!Parent { child: !Child }', { registry }), FlambeauError)
    await new Promise(setImmediate)
  })
})

describe('options that a schema made', () => {
  const registry = new Registry()
  class Train extends MappedRegistrable.with(z.object({ rate: z.number() })) {}
  class Measure extends MappedRegistrable.with(
    z.object({ word: z.string().transform((word) => word.length) }),
  ) {}
  class Model extends MappedRegistrable.with(z.object({ layers: z.number() })) {
    @factory({ schema: z.object({ path: z.string() }) })
    static fromFile(options: object) {
      return new this(options as never)
    }
  }
  registry.add(Train, '!Train')
  registry.add(Measure, '!Measure')
  registry.add(Model, '!Model')

  test('are validated by a class that has another schema', () => {
    const { options } = load('!Train { rate: 1 }', { registry, expect: Train })
    assert.throws(() => new Model(options as never), ValidationError)
  })

  test('are validated by the class of the factory whose schema it was', () => {
    assert.throws(() => load('!Model.fromFile { path: a }', { registry }), /"layers" of "Model"/)
  })

  test('are input like any other when they are given again', () => {
    const { options } = load('!Measure { word: four }', { registry, expect: Measure })
    assert.throws(() => new Measure(options as never), ValidationError)
  })
})

describe('a union', () => {
  class Any {
    constructor(readonly options: object = {}) {}
  }
  class Sub extends Any {}

  const said = (schema: StandardSchema, text: string) => {
    const registry = new Registry()
    registry.add(Any, '!Any')
    registry.add(Sub, '!Sub')
    registry.add(class Owner {}, '!Owner', { schema })
    return check(`!Owner\n${text}`, { registry }).map(
      ({ line, column, message }) => `${line}:${column} ${message}`,
    )
  }
  const unions = {
    zod: {
      simple: z.strictObject({ model: z.union([z.string(), z.instanceof(Any)]) }),
      objects: z.strictObject({
        opt: z.union([
          z.strictObject({ kind: z.literal('sgd'), rate: z.number() }),
          z.strictObject({ kind: z.literal('adam') }),
        ]),
      }),
    },
    valibot: {
      simple: v.strictObject({ model: v.union([v.string(), v.instance(Any)]) }),
      objects: v.strictObject({
        opt: v.union([
          v.strictObject({ kind: v.literal('sgd'), rate: v.number() }),
          v.strictObject({ kind: v.literal('adam') }),
        ]),
      }),
    },
  }
  for (const [vendor, { simple, objects }] of Object.entries(unions)) {
    test(`of ${vendor} says what each member expects, and which tags fit`, () => {
      assert.deepEqual(said(simple, 'model: 5'), [
        '2:8 Option "model" of "!Owner": Expected string, or an object of class "Any" ("!Any", "!Sub")',
      ])
    })

    test(`of objects of ${vendor} points at the mistake in the member that was meant`, () => {
      const [first, ...others] = said(objects, 'opt:\n  kind: sgd\n  rate: fast')
      assert.match(first!, /^4:9 Option "opt.rate" of "!Owner": .*number/)
      assert.deepEqual(others, [])
    })

    test(`of objects of ${vendor} of which none was meant says what tells them apart`, () => {
      const problems = said(objects, 'opt:\n  kind: sgdd\n  rate: 1')
      assert.deepEqual(problems, ['3:9 Option "opt.kind" of "!Owner": Expected "sgd", or "adam"'])
    })
  }
})

// As arktype says it, whose schemas have no other way to be told.
describe('an issue of arktype', () => {
  const schemaOf = (issues: readonly object[]): StandardSchema =>
    ({ '~standard': { version: 1, vendor: 'arktype', validate: () => ({ issues }) } }) as never
  const problemOf = (issues: readonly object[]) => {
    const registry = new Registry()
    registry.add(class Owner {}, '!Owner', { schema: schemaOf(issues) })
    return onlyProblem('!Owner { opt: { rate: fast }, other: 1 }', { registry })
  }

  test('of an unknown key is an unknown option', () => {
    const removed = {
      code: 'predicate',
      expected: 'removed',
      path: ['other'],
      message: 'other must be removed',
    }
    assert.equal(summary(problemOf([removed])), '1:31-36 UNKNOWN_OPTION')
  })

  test('of a union says what each member expects', () => {
    const errors = [
      { code: 'domain', path: ['opt', 'rate'], message: 'opt.rate must be a number (was a string)' },
      { code: 'required', path: ['opt', 'name'], message: 'opt.name must be a string (was missing)' },
    ]
    const { message } = problemOf([{ code: 'union', path: ['opt'], message: 'no', errors }])
    assert.match(message, /opt\.rate must be a number.*or.*opt\.name must be a string/)
  })
})

describe('an asynchronous schema', () => {
  const registry = new Registry()
  class Slow extends MappedRegistrable.with(
    v.objectAsync({
      a: v.pipeAsync(
        v.string(),
        v.checkAsync(async () => true),
      ),
    }),
  ) {}
  registry.add(Slow, '!Slow')
  const refusal = (error: unknown) => {
    assert.ok(error instanceof RegistrationError)
    assert.equal(error.code, 'ASYNC_SCHEMA')
    assert.match(error.message, /"Slow" is asynchronous, and "new" cannot wait for it: .*"loadAsync"/)
    return true
  }

  test('is a mistake in registering in code, and a problem at its node in a file', () => {
    const problem = onlyProblem('- !Slow { a: b }', { registry })
    assert.equal(summary(problem), '1:3-8 ASYNC_SCHEMA')
    assert.match(problem.message, /"!Slow" is asynchronous: .*"loadAsync".*"checkAsync"/)
    assert.throws(() => new Slow({ a: 'b' }), refusal)
  })

  test('of zod is told from one that throws', () => {
    const problemOf = (schema: StandardSchema) => {
      const registry = new Registry()
      registry.add(class Asked {}, '!Asked', { schema })
      return onlyProblem('!Asked { a: 1 }', { registry })
    }
    const boom = (): boolean => {
      throw new Error('boom')
    }
    assert.equal(problemOf(z.object({ a: z.number().refine(async () => true) })).code, 'ASYNC_SCHEMA')
    assert.match(problemOf(z.object({ a: z.number().refine(boom) })).message, /its schema threw "boom"/)
  })
})

describe('a tagged child', () => {
  const registry = new Registry()
  class Optimizer {
    constructor(readonly options: object = {}) {}
  }
  class Other {
    constructor(readonly options: object = {}) {}
  }
  registry.add(Optimizer, '!Optimizer')
  registry.add(Other, '!Other')

  test('of the wrong class is found by check', () => {
    class Train extends MappedRegistrable.with(z.object({ optimizer: z.instanceof(Optimizer) })) {}
    registry.add(Train, '!Train')
    assert.deepEqual(check('!Train { optimizer: !Optimizer }', { registry }), [])
    const problem = onlyProblem('!Train { optimizer: !Other }', { registry })
    assert.equal(summary(problem), '1:21-27 BAD_OPTION')
    assert.match(problem.message, /^Option "optimizer" of "!Train": .*Optimizer/)
  })

  test('of the wrong class is found by check with valibot, too', () => {
    class Vtrain extends MappedRegistrable.with(v.object({ optimizer: v.instance(Optimizer) })) {}
    registry.add(Vtrain, '!Vtrain')
    assert.deepEqual(check('!Vtrain { optimizer: !Optimizer }', { registry }), [])
    assert.equal(summary(onlyProblem('!Vtrain { optimizer: !Other }', { registry })), '1:22-28 BAD_OPTION')
  })

  test('of the wrong class stands in a list', () => {
    class Many extends MappedRegistrable.with(z.object({ all: z.array(z.instanceof(Optimizer)) })) {}
    registry.add(Many, '!Many')
    const problem = onlyProblem('!Many\nall:\n  - !Optimizer\n  - !Other\n', { registry })
    assert.equal(summary(problem), '4:5-11 BAD_OPTION')
  })

  test('hides issues beneath it from check, not from load', () => {
    const child = z.object({ options: z.object({ rate: z.number() }) })
    class Deep extends MappedRegistrable.with(z.object({ child })) {}
    registry.add(Deep, '!Deep')
    assert.deepEqual(check('!Deep { child: !Other { rate: 1 } }', { registry }), [])
    assert.deepEqual(check('!Deep { child: !Other { rate: fast } }', { registry }), [])
    const error = refused('!Deep { child: !Other { rate: fast } }', { registry })
    assert.match(error.message, /^Option "child\.options\.rate" of "!Deep"/)
    assert.equal(
      load('!Deep { child: !Other { rate: 1 } }', { registry, expect: Deep }).options.child.options.rate,
      1,
    )
  })

  test('passes load where a check of one’s own needs the real object', () => {
    const rated = z.custom<Other>((child: any) => child.options?.rate === 1)
    class Picky extends MappedRegistrable.with(z.object({ child: rated })) {}
    registry.add(Picky, '!Picky')
    const picky = load('!Picky { child: !Other { rate: 1 } }', { registry, expect: Picky })
    assert.ok(picky.options.child instanceof Other)
    assert.equal(
      summary(refused('!Picky { child: !Other }', { registry }).problems[0]!),
      '1:17-23 BAD_OPTION',
    )
  })

  test('passes load, and check, where a check of one’s own throws for all but the real object', async () => {
    const rated = z.custom<Other>((child: any) => 'rate' in child.options)
    class Choosy extends MappedRegistrable.with(z.object({ child: rated })) {}
    registry.add(Choosy, '!Choosy')
    assert.ok(load('!Choosy { child: !Other { rate: 1 } }', { registry }) instanceof Choosy)
    assert.deepEqual(check('!Choosy { child: !Other { rate: 1 } }', { registry }), [])
    await new Promise(setImmediate) // a rejection that nobody handles would end the process
  })

  test('does not keep issues beside it from being shown', () => {
    class Both extends MappedRegistrable.with(z.object({ child: z.instanceof(Other), n: z.number() })) {}
    registry.add(Both, '!Both')
    assert.equal(summary(onlyProblem('!Both { child: !Other , n: x }', { registry })), '1:28-29 BAD_OPTION')
  })

  test('is validated with the schema of its own class', () => {
    class Inner extends MappedRegistrable.with(z.object({ n: z.number() })) {}
    class Outer extends MappedRegistrable.with(z.object({ inner: z.instanceof(Inner), n: z.number() })) {}
    registry.add(Inner, '!Inner')
    registry.add(Outer, '!Outer')
    const problems = check('!Outer\nn: a\ninner: !Inner\n  n: b\n', { registry })
    assert.deepEqual(problems.map(summary), ['2:4-5 BAD_OPTION', '4:6-7 BAD_OPTION'])
  })

  test('runs no constructor during check', () => {
    class Loud {
      constructor(_options: object) {
        assert.fail('constructed')
      }
    }
    class Parent extends MappedRegistrable.with(z.object({ loud: z.instanceof(Loud) })) {}
    registry.add(Loud, '!Loud')
    registry.add(Parent, '!Parent')
    assert.deepEqual(check('!Parent { loud: !Loud }', { registry }), [])
  })
})

describe('a base of one’s own', () => {
  const registry = new Registry()

  abstract class Optimizer extends MappedRegistrable {
    abstract step(): number
    twice() {
      return 2 * this.step()
    }
    @factory static slow(): Optimizer {
      return new (this as any)({ rate: 0.5 })
    }
  }

  class Descent extends Optimizer.with(z.object({ rate: z.number().default(2) })) {
    override step() {
      return this.options.rate
    }
  }
  registry.add(Descent, '!Descent')

  test('has `with`, and what it makes is an instance of it', () => {
    const descent = load('!Descent', { registry, expect: Descent })
    assert.ok(descent instanceof Optimizer)
    assert.equal(descent.twice(), 4)
    assert.equal(new Descent({ rate: 3 }).twice(), 6)
    assert.equal(dump(new Descent({ rate: 3 }), { registry }), '!Descent\nrate: 3\n')
  })

  test('hands its factories down through `with`', () => {
    assert.equal(load('!Descent.slow', { registry, expect: Descent }).options.rate, 0.5)
  })

  test('lets a subclass have a constructor of its own', () => {
    class Logged extends Descent {
      readonly log: string
      constructor(options: { rate?: number } = {}) {
        super(options)
        this.log = `rate ${this.options.rate}`
      }
    }
    registry.add(Logged, '!Logged')
    assert.equal(load('!Logged', { registry, expect: Logged }).log, 'rate 2')
    assert.equal(new Logged({ rate: 1 }).log, 'rate 1')
  })

  test('may be a Runnable', () => {
    class Greet extends Runnable.with(z.strictObject({ name: z.string().default('you') })) {
      override run() {
        return `Hello, ${this.options.name}`
      }
    }
    registry.add(Greet, '!Greet')
    const greet = load('!Greet', { registry, expect: Greet })
    assert.equal(greet.run(), 'Hello, you')
    assert.equal(dump(greet, { registry }), '!Greet\n')
    assert.equal(onlyProblem('!Greet { config: 1 }', { registry }).code, 'UNKNOWN_OPTION')
  })
})

describe('a ClusterRunnable with a schema', () => {
  const registry = new Registry()
  registry.add(RemoteEnvironment)
  class Train extends ClusterRunnable.with(z.strictObject({ rate: z.number().default(0.1) })) {
    override setup() {}
    override run() {}
  }
  registry.add(Train, '!Train')
  const env = '!RemoteEnvironment { key: k, orchestrator_ip: o, factories_ips: [f], user: u, local_user: l }'

  test('never shows `env` to the schema', () => {
    const train = load(`!Train { rate: 1, env: ${env} }`, { registry, expect: Train })
    assert.deepEqual(train.options, { rate: 1 })
    assert.ok(train.env instanceof RemoteEnvironment)
    assert.equal(train.env.orchestratorIp, 'o')
    assert.deepEqual(check(`!Train { rate: 1, env: ${env} }`, { registry }), [])
  })

  test('refuses an `env` of variables at its line', () => {
    for (const text of ['!Train\nenv: { A: 1 }', '!Train\nenv: [A=1]', '!Train\nenv: prod'])
      assert.deepEqual(
        check(text, { registry }).map(({ code, line, message }) => `${line} ${code} ${message}`),
        [
          '2 BAD_OPTION Option "env" of "!Train" is the cluster, which a run on a cluster sets: write environment variables as "env" of the cluster file',
        ],
      )
  })

  test('has no `env` when none is given', () => {
    assert.equal(load('!Train', { registry, expect: Train }).env, undefined)
    assert.equal(load('!Train { env: null }', { registry, expect: Train }).env, undefined)
  })

  test('dumps `env` as it was loaded', () => {
    const text = `!Train { env: ${env.replace('[f]', '[ f ]')} }\n`
    const again = load(dump(load(text, { registry }), { registry }), { registry, expect: Train })
    assert.equal(again.env?.user, 'u')
  })
})

describe('snake_case keys with a schema', () => {
  const registry = new Registry()
  const schema = z.strictObject({ learningRate: z.number(), batchSize: z.number().default(32) })
  @registrable('!Train', { registry, keys: 'snake_case' })
  class Train extends MappedRegistrable.with(schema) {}

  test('reach it in camel case', () => {
    const { options } = load('!Train { learning_rate: 1 }', { registry, expect: Train })
    assert.deepEqual(options, { learningRate: 1, batchSize: 32 })
  })

  test('are where its issues point, and what they name', () => {
    const problems = check('!Train\nlearning_rate: fast\nno_such: 1\n', { registry })
    assert.deepEqual(problems.map(summary), ['2:16-20 BAD_OPTION', '3:1-8 UNKNOWN_OPTION'])
    assert.match(problems[0]!.message, /^Option "learning_rate" of "!Train": /)
    assert.match(problems[1]!.message, /^Option "no_such" of "!Train" is unknown/)
  })

  test('are named where one is missing', () => {
    assert.match(
      onlyProblem('!Train', { registry }).message,
      /^Option "learning_rate" of "!Train" is missing/,
    )
  })

  test('are written with what it filled in', () => {
    const full = '!Train\nlearning_rate: 1\nbatch_size: 32\n'
    assert.equal(dump(new Train({ learningRate: 1 }), { registry, defaults: true }), full)
    assert.equal(dump(load('!Train\nlearning_rate: 1\n', { registry }), { registry, defaults: true }), full)
  })
})

describe('the schema of a class', () => {
  const registry = new Registry()

  test('may be a static property', () => {
    class Model {
      static readonly schema = z.object({ layers: z.number().default(2) })
      constructor(readonly options: { layers: number }) {}
    }
    registry.add(Model, '!Model')
    assert.equal(load('!Model', { registry, expect: Model }).options.layers, 2)
  })

  test('gives way to the option of the registration', () => {
    class Model {
      static readonly schema = z.object({ layers: z.number().default(2) })
      constructor(readonly options: { layers: number }) {}
    }
    registry.add(Model, '!Model3', { schema: z.object({ layers: z.number().default(3) }) })
    assert.equal(load('!Model3', { registry, expect: Model }).options.layers, 3)
  })

  test('is not asked for the options of a factory', () => {
    class Model {
      static readonly schema = z.strictObject({ layers: z.number() })
      constructor(readonly options: { layers: number }) {}
      @factory static fromFile(options: { path: string }) {
        return new this({ layers: options.path.length })
      }
    }
    registry.add(Model, '!FileModel')
    assert.equal(load('!FileModel.fromFile { path: abc }', { registry, expect: Model }).options.layers, 3)
  })
})

describe('dump with defaults', () => {
  const registry = new Registry()
  class Inner extends MappedRegistrable.with(z.object({ a: z.number().default(1) })) {
    @factory({ schema: z.object({ b: z.number().default(5) }) })
    static make({ b }: { b: number }) {
      return new this({ a: b })
    }
  }
  class Outer extends MappedRegistrable.with(
    z.object({
      inner: z.instanceof(Inner),
      plain: z.object({ x: z.number().default(7), y: z.number() }).optional(),
    }),
  ) {}
  registry.add(Inner, '!Inner')
  registry.add(Outer, '!Outer')
  const full = (value: unknown) => dump(value, { registry, defaults: true })

  test('reaches objects inside of objects', () => {
    assert.equal(full(new Outer({ inner: new Inner() })), '!Outer\ninner: !Inner\n  a: 1\n')
    assert.equal(full(load('!Outer\ninner: !Inner\n', { registry })), '!Outer\ninner: !Inner\n  a: 1\n')
  })

  test('reaches plain options inside of options', () => {
    const loaded = load('!Outer\ninner: !Inner {}\nplain:\n  y: 2 # two\n', { registry, expect: Outer })
    const again = load(full(loaded), { registry, expect: Outer })
    assert.match(full(loaded), /plain:\n {2}y: 2 # two\n {2}x: 7\n/)
    assert.deepEqual(again, loaded)
  })

  test('writes those of a factory beside its tag', () => {
    assert.equal(full(load('!Inner.make\n', { registry })), '!Inner.make\nb: 5\n')
  })

  test('is byte-identical when it is loaded and dumped again', () => {
    const once = full(load('!Outer\ninner: !Inner\nplain: {y: 2}\n', { registry }))
    assert.equal(full(load(once, { registry })), once)
    assert.equal(dump(load(once, { registry }), { registry }), once)
  })
})
