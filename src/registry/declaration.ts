import '#reflect-metadata'
import { omitUndefined } from '../util/plain-object.js'
import { type FromYaml, isInherited, type ToYaml } from './hooks.js'
import type { Class, Definition, FactoryDefinition, RegistrationOptions } from './registration.js'
import type { StandardSchema } from './standard-schema.js'
import type { Tag } from './tag.js'

/** What decorators declared on a class: its tags, the one of the topmost decorator last. */
interface Declaration {
  tags: { tag: Tag; options: RegistrationOptions }[]
  factories: Map<string, FactoryDefinition>
}

const key = 'flambeau:declaration'

/** The declaration of the class itself, not of its parents; `undefined` if it has none. */
export function declarationOf(Class: Class): Declaration | undefined {
  return Reflect.getOwnMetadata(key, Class)
}

/** Returns the declaration of the class itself, and creates it if it has none. */
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
 * Builds the definition of a class: options win over static members. Factories are inherited; key style, templates and `create`
 * come from the nearest class that sets them, whether it was registered by a decorator or by a call.
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
    ...omitUndefined(options),
  }
  return omitUndefined({
    factories: factoriesOf(Class, merged.factories ?? [], registered),
    keys: merged.keys ?? 'as-written',
    templates: merged.templates ?? [],
    create: merged.create,
    injected: statics.injectedOptions ?? [],
    schema: merged.schema ?? statics.schema,
    fromYaml: merged.fromYaml ?? boundTo(Class, statics.fromYaml),
    toYaml: merged.toYaml ?? boundTo(Class, statics.toYaml),
    description: merged.description || undefined,
  }) as Definition
}

function boundTo<F extends (...args: any[]) => unknown>(Class: Class, method: F | undefined): F | undefined {
  if (!method || isInherited(method)) return undefined
  return ((...args) => method.apply(Class, args)) as F
}

// A declared class may be added again under another tag: its declared options apply there, too.
function declaredOptions(Class: Class): RegistrationOptions {
  const { schema, factories, create, keys, templates, fromYaml, toYaml, description } = Object.assign(
    {},
    ...(declarationOf(Class)?.tags ?? []).map((declared) => declared.options),
  ) as RegistrationOptions
  return omitUndefined({ schema, factories, create, keys, templates, fromYaml, toYaml, description })
}

function inheritedOptions(Class: Class, registered: RegisteredOptions): RegistrationOptions {
  const parents = lineage(Class).slice(0, -1)
  const all = parents.flatMap((parent) => [...registered(parent), declaredOptions(parent)])
  return Object.assign(
    {},
    ...all.map(({ keys, templates, create }) => omitUndefined({ keys, templates, create })),
  )
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

// From the oldest parent to the class itself, so that the class overrides its parents.
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
