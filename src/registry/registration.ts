import type { FromYaml, ToYaml } from './hooks.js'
import type { StandardSchema } from './standard-schema.js'
import type { Tag } from './tag.js'

/** Any class, abstract ones included. */
export type Class<T extends object = object> = abstract new (...args: any[]) => T

/** The spelling of top-level YAML keys: as the options are spelt, or in snake case. */
export type KeyStyle = 'as-written' | 'snake_case'

/** What is known of one factory of a class. */
export interface FactoryDefinition {
  readonly schema?: StandardSchema
}

/** What a class says of itself, or what is said of it when it is registered. */
export interface Definition {
  readonly schema?: StandardSchema
  readonly factories: ReadonlyMap<string, FactoryDefinition>
  readonly keys: KeyStyle
  /** Options that stay unconstructed: each is given as a `Template`. */
  readonly templates: readonly string[]
  /** Options that the schema and the constructor do not see; the loader sets them on the object. */
  readonly injected: readonly string[]
  readonly fromYaml?: FromYaml
  readonly toYaml?: ToYaml
  readonly description?: string
}

/** What takes registrations: a `Registry`. */
export interface Registrar {
  add<C extends Class>(Class: C, tag?: Tag, options?: RegistrationOptions): C
}

/** Options of `registrable`, `register` and `registry.add`. */
export interface RegistrationOptions {
  /** Validates the options of the class; any Standard Schema. */
  schema?: StandardSchema
  /** Names of static methods that make an object: `['fromFile']` allows `!Model.fromFile`. */
  factories?: readonly string[]
  /** `'snake_case'`: `learning_rate` in YAML is the option `learningRate`. */
  keys?: KeyStyle
  /** Options that stay unconstructed and are given as a `Template`. */
  templates?: readonly string[]
  /** Constructs an object from its node, for a class whose constructor does not take one options object. */
  fromYaml?: FromYaml
  /** Makes the node that an object is written as. */
  toYaml?: ToYaml
  /** Where to register; the default registry when absent. */
  registry?: Registrar
  /** Take the tag from the class that has it. */
  override?: boolean
  /** What to write instead of this tag, such as `'use !New'`: a file with it still loads. */
  deprecated?: string
  /** One sentence for people: shown by `flambeau tags` and by editors. */
  description?: string
  /** @internal The class of another copy of this package may have the tag: this one is then written with it, too. */
  twin?: boolean
  /** The class is abstract: its tag can be named, but not constructed. */
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

/** What a tag in a file stands for: a class, or one of its factories. */
export interface ResolvedTag extends Registration {
  readonly factory?: string
}

/** The two hooks, typed for a class. */
export interface HooksOf<C extends Class> extends RegistrationOptions {
  fromYaml?: FromYaml<InstanceType<C>>
  toYaml?: ToYaml<InstanceType<C>>
}

/** The schema of what a tag stands for: that of the class, or of its factory. */
export function schemaOf({ definition, factory }: ResolvedTag): StandardSchema | undefined {
  return factory === undefined ? definition.schema : definition.factories.get(factory)?.schema
}

/** The option that a YAML key names: `learningRate` for `learning_rate` in snake case. */
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
