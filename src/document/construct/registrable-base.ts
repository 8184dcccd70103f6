import type { Node } from '../../node.js'
import type { ChecksItsInput } from '../../registry/compile-time.js'
import { type Builder, type InheritedHook, markInherited, type Representer } from '../../registry/hooks.js'
import type { InputOf, OutputOf, StandardSchema } from '../../registry/standard-schema.js'
import type { Tag } from '../../registry/tag.js'
import { recordOptions } from './provenance.js'
import { takePrevalidated, validateOptions } from './validation.js'

/** A class made by `with(schema)`: its constructor takes the schema's input, `this.options` is its output. */
export type WithSchema<Base extends abstract new (...args: any) => object, S extends StandardSchema> = Pick<
  Base,
  keyof Base
> &
  ChecksItsInput & { readonly schema: S } & (abstract new (
    ...args: {} extends InputOf<S>
      ? [options?: InputOf<S> & TakenBy<Base>]
      : [options: InputOf<S> & TakenBy<Base>]
  ) => InstanceType<Base> & { readonly options: OutputOf<S> })

/** The options that a base class takes for itself: subclasses and their schemas do not see them. */
type TakenBy<Base> = Base extends { readonly ownOptions: infer Own } ? Own : {}

/** The methods behind `super.fromYaml` and `super.toYaml`: they work as if the class had no hook of its own. */
interface Inheriting {
  constructInherited(node: Node): unknown
  representInherited(): Node
}

/**
 * A class that defines how its objects are read and written, with static `fromYaml` and `toYaml`:
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
 * A class does not have to extend it: any class can be registered. The name is flambé's.
 */
export abstract class Registrable {
  /** Constructs the object from its options, or with its factory: for `super.fromYaml(builder, node, factoryName)`. */
  static fromYaml(builder: Builder, node: Node, _factoryName?: string, _inherited?: InheritedHook): any {
    return (builder as Builder & Inheriting).constructInherited(node)
  }

  /** Represents the object by the options that it was constructed with: for `super.toYaml(representer, value, tag)`. */
  static toYaml(representer: Representer, _value: any, _tag: Tag, _inherited?: InheritedHook): Node {
    return (representer as Representer & Inheriting).representInherited()
  }
}

markInherited(Registrable.fromYaml, Registrable.toYaml)

/**
 * A class that takes one options object and passes it to `super`, so that its objects can be dumped.
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
    if (options === undefined) return
    const left = withoutTaken(new.target, options)
    // When nothing is left, the class passed none of its own options.
    if (left === options || Object.keys(left).length > 0) recordOptions(this, left)
  }

  /** @internal Whether a base class takes this constructor option for itself. */
  static takes(_name: string, _value: unknown): boolean {
    return false
  }

  /**
   * Returns a base class whose constructor validates its options with a schema: `this.options` is typed, and needs no constructor.
   *
   * ```ts
   * class Train extends Runnable.with(z.object({ data: z.string(), rate: z.number().default(0.1) })) { ... }
   * new Train({ data: 'iris.csv' }).options.rate   // 0.1
   * ```
   *
   * It accepts any Standard Schema. `new Train(...)` throws a `ValidationError` where loading would report a problem.
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
        const own = withoutTaken(new.target as unknown as Taking, input)
        if (typeof own === 'object' && own !== null) recordOptions(this, own)
        const options = takePrevalidated(input, schema)
          ? input
          : validateOptions(schema, own, new.target.name)
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

interface Taking {
  takes(name: string, value: unknown): boolean
}

function withoutTaken<Options>(Class: Taking, options: Options): Options {
  if (typeof options !== 'object' || options === null) return options
  // Most classes take none.
  if (Class.takes === MappedRegistrable.takes) return options
  const isTaken = (name: string): boolean => Class.takes(name, options[name as keyof Options])
  if (!Object.keys(options).some(isTaken)) return options
  return Object.fromEntries(Object.entries(options).filter(([name]) => !isTaken(name))) as Options
}
