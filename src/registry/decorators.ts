import { RegistrationError } from '../errors.js'
import type { AnyClass, ClassFor, Fits } from './compile-time.js'
import { declare } from './declaration.js'
import { currentRegistry } from './default-registry.js'
import { isRegistrationDeferred } from './deferred-registration.js'
import type { Class, FactoryDefinition, HooksOf, RegistrationOptions } from './registration.js'
import type { StandardSchema } from './standard-schema.js'
import { checkTag, type Tag } from './tag.js'

/**
 * Registers a class, so that YAML files can use it.
 *
 * ```ts
 * @registrable('!Train')
 * class Train extends Runnable { ... }
 *
 * registrable('!Train')(Train)   // the same, without decorator syntax
 * ```
 *
 * Works as a legacy decorator, as a standard decorator and as a call. The tag defaults to `!ClassName`; pass a tag in code that
 * is minified, since minifiers rename classes.
 *
 * @throws {@link RegistrationError} when the tag belongs to another class, clashes with a factory, or is not valid.
 */
export function registrable<const O extends RegistrationOptions = {}>(tag?: Tag, options?: O) {
  if (tag !== undefined) checkTag(tag)
  return <C extends ClassFor<O>>(Class: C & Fits<C, O>, context?: ClassContext): C => {
    onceDefined(Class as unknown as Class, context, (defined) => declareAndAdd(defined, tag, options ?? {}))
    return Class
  }
}

/**
 * Adds another tag to a class. Of several tags, `dump` writes the topmost.
 *
 * ```ts
 * @alias('!trainer')
 * @registrable('!Train')
 * class Train extends Runnable { ... }
 * ```
 */
export function alias(tag: Tag, options: AliasOptions = {}) {
  checkTag(tag, 'alias')
  return <C extends Class>(Class: C, context?: ClassContext): C => {
    onceDefined(Class, context, (defined) => declareAndAdd(defined, tag, options))
    return Class
  }
}

/** Options of {@link alias}: those that belong to a tag. */
export type AliasOptions = Pick<RegistrationOptions, 'registry' | 'override' | 'deprecated'>

/**
 * Registers a class that you do not own, with any kind of constructor.
 *
 * ```ts
 * register(URL, '!Url', {
 *   fromYaml: (builder, node) => new URL(builder.constructScalar(node)),
 *   toYaml: (representer, url, tag) => representer.representScalar(tag, url.href),
 * })
 * ```
 */
export function register<C extends Class | AnyClass, const O extends RegistrationOptions = {}>(
  Class: C & Fits<C, O>,
  tag: Tag,
  options?: O & HooksOf<C>,
): C {
  if (!options?.registry && isRegistrationDeferred())
    declare(Class as Class).tags.push({ tag: checkTag(tag), options: options ?? {} })
  else (options?.registry ?? currentRegistry()).add(Class as Class, tag, options)
  return Class
}

// A standard decorator receives its class before static fields and the decorators of static methods have run.
function onceDefined(
  Class: Class,
  context: ClassContext | undefined,
  register: (Class: Class) => void,
): void {
  if (!context) register(Class)
  else
    context.addInitializer(function (this: unknown) {
      register(this as Class)
    })
}

function nameTag({ name }: Class): Tag {
  if (name !== '') return checkTag(`!${name}`)
  throw new RegistrationError(`A class without a name needs a tag: write "registrable('!Train')"`, {
    code: 'BAD_TAG',
  })
}

function declareAndAdd(Class: Class, tagOption: Tag | undefined, options: RegistrationOptions): void {
  const tag = tagOption ?? nameTag(Class)
  const { registry, ...declared } = options
  declare(Class).tags.push({ tag, options: declared })
  if (!registry && isRegistrationDeferred()) return
  ;(registry ?? currentRegistry()).add(Class, tag, options)
}

/** The context that a standard decorator of a class receives. That of TypeScript excludes classes with a private constructor. */
export interface ClassContext {
  readonly kind: 'class'
  addInitializer(initializer: (this: any) => void): void
}

/** A static method that creates an object from its options, or a promise of it; its second argument is a {@link FactoryContext}. */
export type StaticMethod = (this: any, options?: any, context?: any) => unknown

/** The context that a standard decorator of a static method receives. */
export type StaticContext = ClassMethodDecoratorContext<any, any> & { readonly static: true }

/** Options of {@link factory}. */
export interface FactoryOptions {
  /** Validates the factory's own options. */
  schema?: StandardSchema
}

/**
 * Marks a static method as a factory: `!Model.fromFile` calls it with `this` set to the class of the tag.
 *
 * ```ts
 * @registrable('!Model')
 * class Model {
 *   @factory static fromFile(options: { path: string }) { ... }
 *   @factory({ schema: FromUrlOptions })
 *   static async fromUrl(options: FromUrlOptions, { signal }: FactoryContext) { ... }
 * }
 * ```
 *
 * Without decorator syntax: `registrable('!Model', { factories: ['fromFile'] })`.
 */
export function factory(Class: Class, name: string, descriptor?: PropertyDescriptor): void
export function factory(method: StaticMethod, context: StaticContext): void
export function factory(options: FactoryOptions): FactoryDecorator
export function factory(first: unknown, ...rest: [name?: unknown, descriptor?: unknown]): unknown {
  if (rest.length > 0) return mark({}, first, rest[0])
  return (target: unknown, name: unknown) => mark(first as FactoryOptions, target, name)
}

/** What `factory(options)` returns: a legacy and standard decorator. */
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

// A factory creates the object, so that it cannot be an instance method.
function notStatic(name: string): RegistrationError {
  const message = `"@factory" decorates "${name}", which is not a static method`
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

/** The decorators of one namespace: see {@link namespace}. */
export interface Namespace {
  readonly registrable: typeof registrable
  readonly alias: typeof alias
  readonly register: typeof register
}

/**
 * Returns the same decorators with a prefix: `namespace('torch').registrable('!Adam')` registers `!torch.Adam`.
 *
 * ```ts
 * const torch = namespace('torch')
 *
 * @torch.registrable('!Adam')   // !torch.Adam
 * class Adam {
 *   constructor(readonly options: object = {}) {}
 * }
 * ```
 *
 * `options`, such as a registry, apply to everything that is registered with these decorators.
 */
export function namespace(name: string, options: Pick<RegistrationOptions, 'registry'> = {}): Namespace {
  checkTag(`!${name}`)
  const within = (tag: Tag): Tag => `!${name}.${checkTag(tag).slice(1)}`
  return {
    registrable: ((tag?: Tag, own?: RegistrationOptions) => (Class: any, context?: ClassContext) =>
      registrable(within(tag ?? `!${Class.name}`), { ...options, ...own })(
        Class,
        context,
      )) as typeof registrable,
    alias: (tag: Tag, own?: AliasOptions) => alias(within(tag), { ...options, ...own }),
    register: ((Class: any, tag: Tag, own?: RegistrationOptions) =>
      register(Class, within(tag), { ...options, ...own } as {})) as typeof register,
  }
}
