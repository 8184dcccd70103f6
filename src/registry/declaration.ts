import 'reflect-metadata/lite'
import { type FromYaml, isInherited, type ToYaml } from './hooks.js'
import type { Class, Definition, FactoryDefinition, RegistrationOptions } from './registration.js'
import type { StandardSchema } from './standard-schema.js'
import type { Tag } from './tag.js'

/** What decorators wrote on a class: its tags in the order of writing, the last being the topmost. */
interface Declaration {
  tags: { tag: Tag; options: RegistrationOptions }[]
  factories: Map<string, FactoryDefinition>
}

const key = 'flambeau:declaration'

/** The declaration of this very class, not of its parents; `undefined` when it has none. */
export function declarationOf(Class: Class): Declaration | undefined {
  return Reflect.getOwnMetadata(key, Class)
}

/** The own declaration of a class, made when it has none yet. */
export function declare(Class: Class): Declaration {
  const found = declarationOf(Class)
  if (found) return found
  const declaration: Declaration = { tags: [], factories: new Map() }
  Reflect.defineMetadata(key, declaration, Class)
  return declaration
}

interface Statics {
  schema?: StandardSchema
  fromYaml?: FromYaml
  toYaml?: ToYaml
  injectedOptions?: readonly string[]
}

/** The options that a class was registered with, one entry for each of its tags. */
export type RegisteredOptions = (Class: Class) => readonly RegistrationOptions[]

/**
 * What is known of a class: the options win over its statics. Factories add up, and key style and templates come from
 * the nearest class that names them, whether a parent was registered by a decorator or by a call.
 */
export function define(
  Class: Class,
  options: RegistrationOptions,
  registered: RegisteredOptions,
): Definition {
  const statics: Statics = Class as Statics
  const merged = {
    ...inheritedOptions(Class, registered),
    ...declaredOptions(Class),
    ...definedOnly(options),
  }
  const definition: { -readonly [K in keyof Definition]: Definition[K] } = {
    factories: factoriesOf(Class, merged.factories ?? [], registered),
    keys: merged.keys ?? 'as-written',
    templates: merged.templates ?? [],
    injected: statics.injectedOptions ?? [],
  }
  const schema = merged.schema ?? statics.schema
  const fromYaml = merged.fromYaml ?? boundTo(Class, statics.fromYaml)
  const toYaml = merged.toYaml ?? boundTo(Class, statics.toYaml)
  if (schema) definition.schema = schema
  if (fromYaml) definition.fromYaml = fromYaml
  if (toYaml) definition.toYaml = toYaml
  if (merged.description) definition.description = merged.description
  return definition
}

function boundTo<F extends (...args: any[]) => unknown>(Class: Class, method: F | undefined): F | undefined {
  if (!method || isInherited(method)) return undefined
  return ((...args) => method.apply(Class, args)) as F
}

// A class declared once may be added again elsewhere, under another tag: what it said of itself holds there too.
function declaredOptions(Class: Class): RegistrationOptions {
  const { schema, factories, keys, templates, fromYaml, toYaml, description } = Object.assign(
    {},
    ...(declarationOf(Class)?.tags ?? []).map((declared) => declared.options),
  ) as RegistrationOptions
  return definedOnly({ schema, factories, keys, templates, fromYaml, toYaml, description })
}

function inheritedOptions(Class: Class, registered: RegisteredOptions): RegistrationOptions {
  const parents = lineage(Class).slice(0, -1)
  const all = parents.flatMap((parent) => [...registered(parent), declaredOptions(parent)])
  return Object.assign({}, ...all.map(({ keys, templates }) => definedOnly({ keys, templates })))
}

function definedOnly(options: object): RegistrationOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function factoriesOf(
  Class: Class,
  names: readonly string[],
  registered: RegisteredOptions,
): Map<string, FactoryDefinition> {
  const classes = lineage(Class)
  const factories = new Map<string, FactoryDefinition>()
  for (const each of classes)
    for (const [name, factory] of declarationOf(each)?.factories ?? []) factories.set(name, factory)
  const named = classes.flatMap((each) => [declaredOptions(each), ...registered(each)])
  for (const name of [...named.flatMap(({ factories = [] }) => factories), ...names])
    if (!factories.has(name)) factories.set(name, {})
  return factories
}

// From the oldest parent to the class itself, so that the class has the last word.
function lineage(Class: Class): Class[] {
  const classes: Class[] = []
  for (
    let current: any = Class;
    typeof current === 'function' && current !== Function.prototype;
    current = Object.getPrototypeOf(current)
  )
    classes.unshift(current)
  return classes
}
