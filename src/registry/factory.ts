import { RegistrationError } from '../errors.js'
import { declare } from './declaration.js'
import type { StandardSchema } from './standard-schema.js'
import type { Class, FactoryDefinition } from './types.js'

/** A static method that makes an object of its options. */
export type StaticMethod = (this: any, options?: any) => unknown

/** What a standard decorator is told of a static method. */
export type StaticContext = ClassMethodDecoratorContext<any, any> & { readonly static: true }

/** Options of {@link factory}. */
export interface FactoryOptions {
  /** Validates the factory's own options. */
  schema?: StandardSchema
}

/**
 * Marks a static method as a way to make an object: `!Model.fromFile` calls it with `this` = the class of the tag.
 *
 * ```ts
 * @registrable('!Model')
 * class Model {
 *   @factory static fromFile(options: { path: string }) { ... }
 *   @factory({ schema: FromUrlOptions }) static fromUrl(options: FromUrlOptions) { ... }
 * }
 * ```
 *
 * Where decorators cannot be written: `registrable('!Model', { factories: ['fromFile'] })`.
 */
export function factory(Class: Class, name: string, descriptor?: PropertyDescriptor): void
export function factory(method: StaticMethod, context: StaticContext): void
export function factory(options: FactoryOptions): FactoryDecorator
export function factory(first: unknown, ...rest: [name?: unknown, descriptor?: unknown]): unknown {
  if (rest.length > 0) return mark({}, first, rest[0])
  return (target: unknown, name: unknown) => mark(first as FactoryOptions, target, name)
}

/** What `factory(options)` gives: a decorator of either kind. */
export interface FactoryDecorator {
  (Class: Class, name: string, descriptor?: PropertyDescriptor): void
  (method: StaticMethod, context: StaticContext): void
}

function mark(options: FactoryOptions, target: unknown, name: unknown): void {
  const definition: FactoryDefinition = options?.schema ? { schema: options.schema } : {}
  if (typeof name === 'object' && name !== null)
    markByContext(name as ClassMethodDecoratorContext, definition)
  else markByName(target, String(name), definition)
}

function markByName(target: unknown, name: string, definition: FactoryDefinition): void {
  if (typeof target !== 'function') throw notStatic(name)
  declare(target as unknown as Class).factories.set(name, definition)
}

// A factory makes an object: there is none yet that it could be called on.
function notStatic(name: string): RegistrationError {
  const message = `"@factory" stands above "${name}", which is no static method`
  return new RegistrationError(`${message}: write "@factory static ${name}(options) { ... }"`, {
    code: 'NO_SUCH_FACTORY',
  })
}

function markByContext(context: ClassMethodDecoratorContext, definition: FactoryDefinition): void {
  if (!context.static || context.kind !== 'method') throw notStatic(String(context.name))
  context.addInitializer(function (this: unknown) {
    declare(this as Class).factories.set(String(context.name), definition)
  })
}
