import 'reflect-metadata/lite'
import type { FromYaml, ToYaml } from './hooks.js'
import type { StandardSchema } from './standard-schema.js'
import type { Tag } from './tag.js'
import type { Class, Definition, FactoryDefinition, RegistrationOptions } from './types.js'

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

/** What is known of a class: the options win over its statics; factories add up, parents' included. */
export function define(Class: Class, options: RegistrationOptions): Definition {
  const statics: Statics = Class as Statics
  const given = { ...declaredOptions(Class), ...definedOnly(options) }
  const definition: { -readonly [K in keyof Definition]: Definition[K] } = {
    factories: factoriesOf(Class, given.factories ?? []),
    keys: given.keys ?? 'as-written',
    templates: given.templates ?? [],
    injected: statics.injectedOptions ?? [],
  }
  const schema = given.schema ?? statics.schema
  const fromYaml = given.fromYaml ?? boundTo(Class, statics.fromYaml)
  const toYaml = given.toYaml ?? boundTo(Class, statics.toYaml)
  if (schema) definition.schema = schema
  if (fromYaml) definition.fromYaml = fromYaml
  if (toYaml) definition.toYaml = toYaml
  if (given.description) definition.description = given.description
  return definition
}

function boundTo<F extends (...args: any[]) => unknown>(Class: Class, method: F | undefined): F | undefined {
  return method && (((...args) => method.apply(Class, args)) as F)
}

// A class declared once may be added again elsewhere, under another tag: what it said of itself holds there too.
function declaredOptions(Class: Class): RegistrationOptions {
  const { schema, factories, keys, templates, fromYaml, toYaml, description } = Object.assign(
    {},
    ...(declarationOf(Class)?.tags ?? []).map((declared) => declared.options),
  ) as RegistrationOptions
  return definedOnly({ schema, factories, keys, templates, fromYaml, toYaml, description })
}

function definedOnly(options: object): RegistrationOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

function factoriesOf(Class: Class, names: readonly string[]): Map<string, FactoryDefinition> {
  const factories = new Map<string, FactoryDefinition>()
  for (const ancestor of lineage(Class))
    for (const [name, factory] of declarationOf(ancestor)?.factories ?? []) factories.set(name, factory)
  for (const ancestor of lineage(Class))
    for (const { options } of declarationOf(ancestor)?.tags ?? [])
      for (const name of options.factories ?? []) if (!factories.has(name)) factories.set(name, {})
  for (const name of names) if (!factories.has(name)) factories.set(name, {})
  return factories
}

// From the oldest parent to the class itself, so that the class has the last word.
function lineage(Class: Class): Class[] {
  const classes: Class[] = []
  for (
    let at: any = Class;
    typeof at === 'function' && at !== Function.prototype;
    at = Object.getPrototypeOf(at)
  )
    classes.unshift(at)
  return classes
}
