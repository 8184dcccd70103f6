import type { FromYaml, ToYaml } from './hooks.js'
import type { StandardSchema } from './standard-schema.js'
import type { Tag } from './tag.js'

/** Any class, abstract ones included. */
export type Class<T extends object = object> = abstract new (...args: any[]) => T

/** The spelling of top-level YAML keys: like the options, or in snake case. */
export type KeyStyle = 'as-written' | 'snake_case'

/**
 * The static method of a class with injected options that says why one of them cannot be written in a file, as the end of a message
 * about it. Only what injects an option writes it, with a tag.
 */
export const whyInjected = Symbol.for('flambeau.whyInjected')

/** The static method that checks what a class states in its statics, and throws a `RegistrationError` when it is wrong. */
export const checkStatics = Symbol.for('flambeau.checkStatics')

/** The definition of one factory of a class. */
export interface FactoryDefinition {
  readonly schema?: StandardSchema
}

/** The definition of a class: what it declares, and the options of its registration. */
export interface Definition {
  readonly schema?: StandardSchema
  readonly factories: ReadonlyMap<string, FactoryDefinition>
  /** The static method that constructs an object, in place of `new`. */
  readonly create?: string
  readonly keys: KeyStyle
  /** Options that stay unconstructed: each is passed as a `Template`. */
  readonly templates: readonly string[]
  /** Options that the schema and the constructor do not see; the loader sets them on the object. */
  readonly injected: readonly string[]
  readonly fromYaml?: FromYaml
  readonly toYaml?: ToYaml
  readonly description?: string
}

/** The part of a `Registry` that registers classes. */
export interface Registrar {
  add<C extends Class>(Class: C, tag?: Tag, options?: RegistrationOptions): C
}

/** Options of `registrable`, `register` and `registry.add`. */
export interface RegistrationOptions {
  /** Validates the options of the class; any Standard Schema. */
  schema?: StandardSchema
  /** Names of static methods that create an object: `['fromFile']` allows `!Model.fromFile`. */
  factories?: readonly string[]
  /**
   * The name of a static method that constructs an object from the options, in place of `new`; it may be asynchronous. Its second
   * argument is a {@link FactoryContext}.
   */
  create?: string
  /** `'snake_case'`: `learning_rate` in YAML is the option `learningRate`. */
  keys?: KeyStyle
  /** Options that stay unconstructed and are passed as a `Template`. */
  templates?: readonly string[]
  /** Constructs an object from its node, for a class whose constructor does not take one options object. */
  fromYaml?: FromYaml
  /** Makes the node of an object. */
  toYaml?: ToYaml
  /** Where to register; the default registry when absent. */
  registry?: Registrar
  /** Takes the tag from the class that has it. */
  override?: boolean
  /** Marks the tag as deprecated and says what to write instead, such as `'use !New'`: files with it still load. */
  deprecated?: string
  /** One sentence, which `flambeau tags` and editors show. */
  description?: string
  /** @internal If the class of another copy of this package has the tag, objects of this class are written with it, too. */
  twin?: boolean
  /** Whether the class is abstract: its tag is known, but cannot be constructed. */
  abstract?: boolean
}

/** One tag of a registry. */
export interface Registration {
  readonly tag: Tag
  readonly Class: Class
  readonly definition: Definition
  readonly abstract: boolean
  readonly deprecated?: string
}

/** The class or factory that a tag in a file names. */
export interface ResolvedTag extends Registration {
  readonly factory?: string
}

/** The type of the objects of a class, whose constructor may be private. */
type InstanceOf<C> = C extends abstract new (
  ...args: any
) => infer T
  ? T
  : C extends { readonly prototype: infer P }
    ? P
    : object

/** The two hooks, typed for a class. */
export interface HooksOf<C> extends RegistrationOptions {
  fromYaml?: FromYaml<InstanceOf<C>>
  toYaml?: ToYaml<InstanceOf<C>>
}

/** The schema of the class or factory that a tag names. */
export function schemaOf({ definition, factory }: ResolvedTag): StandardSchema | undefined {
  return factory === undefined ? definition.schema : definition.factories.get(factory)?.schema
}

/** Whether a tag constructs its class itself; a factory, `create` or `fromYaml` may construct anything. */
export function constructsOwnClass({ definition, factory }: ResolvedTag): boolean {
  return factory === undefined && definition.create === undefined && !definition.fromYaml
}

/** The option for a YAML key: `learningRate` for `learning_rate` in snake case. */
export function optionName(key: string, style: KeyStyle): string {
  return style === 'snake_case'
    ? key.replace(/(?<=[^_])_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    : key
}

/** The YAML key of an option: `learning_rate` for `learningRate` in snake case. */
export function keyName(option: string, style: KeyStyle): string {
  return style === 'snake_case'
    ? option.replace(/(?<=[^_])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    : option
}
