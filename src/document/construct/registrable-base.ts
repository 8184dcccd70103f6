import type { ChecksItsInput } from '../../registry/compile-time.js'
import type { InputOf, OutputOf, StandardSchema } from '../../registry/standard-schema.js'
import { validated } from './code-validation.js'
import { isHandedOver } from './hand-over.js'
import { recordGiven } from './records.js'

/** A class made by `with(schema)`: its constructor takes the schema's input, `this.options` is its output. */
export type WithSchema<Base extends abstract new (...args: any) => object, S extends StandardSchema> = Pick<
  Base,
  keyof Base
> &
  ChecksItsInput & { readonly schema: S } & (abstract new (
    ...args: {} extends InputOf<S> ? [options?: InputOf<S>] : [options: InputOf<S>]
  ) => InstanceType<Base> & { readonly options: OutputOf<S> })

/**
 * A class that says itself how it is read and written, with static `fromYaml` and `toYaml`:
 *
 * ```ts
 * @registrable('!Duration')
 * class Duration extends Registrable {
 *   static fromYaml(builder: Builder, node: Node) { return new Duration(builder.constructScalar(node)) }
 *   static toYaml(representer: Representer, value: Duration, tag: Tag) {
 *     return representer.representScalar(tag, value.text)
 *   }
 * }
 * ```
 *
 * Nothing has to extend it: any class can be registered. The name is flambé's.
 */
export abstract class Registrable {}

/**
 * A class that takes one options object and hands it to `super`, so that its objects can be dumped.
 *
 * ```ts
 * @registrable('!Model')
 * class Model extends MappedRegistrable {
 *   constructor(readonly options: { layers?: number } = {}) {
 *     super(options)
 *   }
 * }
 * ```
 */
export abstract class MappedRegistrable extends Registrable {
  constructor(options?: object) {
    super()
    if (options !== undefined) recordGiven(this, options)
  }

  /**
   * A base whose constructor checks its options with a schema: `this.options` is typed, and needs no constructor.
   *
   * ```ts
   * class Train extends Runnable.with(z.object({ data: z.string(), rate: z.number().default(0.1) })) { ... }
   * new Train({ data: 'iris.csv' }).options.rate   // 0.1
   * ```
   *
   * Any Standard Schema will do. `new Train(...)` throws a `ValidationError` for what YAML would refuse.
   */
  static with<Base extends abstract new (...args: any) => object, S extends StandardSchema>(
    this: Base,
    schema: S,
  ): WithSchema<Base, S> {
    abstract class Checked extends (this as unknown as new (options: unknown) => object) {
      static readonly schema = schema
      declare readonly options: unknown
      constructor(input: unknown = {}) {
        super(input)
        const options = isHandedOver(input, schema) ? input : validated(schema, input, new.target.name)
        Object.defineProperty(this, 'options', {
          value: options,
          enumerable: true,
          writable: true,
          configurable: true,
        })
      }
    }
    return Checked as unknown as WithSchema<Base, S>
  }
}
