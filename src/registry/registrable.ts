import { RegistrationError } from '../errors.js'
import type { ClassFor, Fits } from './compile-time.js'
import { declare } from './declaration.js'
import { declaresOnly } from './declare-only.js'
import { currentRegistry } from './default-registry.js'
import { checkTag, type Tag } from './tag.js'
import type { Class, HooksOf, RegistrationOptions } from './types.js'

/**
 * Registers a class, so that a YAML file can name it.
 *
 * ```ts
 * @registrable('!Train')
 * class Train extends Runnable { ... }
 *
 * registrable('!Train')(Train)   // the same, where decorators cannot be written
 * ```
 *
 * Works as a legacy decorator, as a standard one and as a call. Without a tag it is `!ClassName`; a minifier renames
 * classes, so code that is minified gives the tag.
 *
 * @throws {@link RegistrationError} when the tag belongs to another class, clashes with a factory, or is no tag.
 */
export function registrable<O extends RegistrationOptions = {}>(tag?: Tag, options?: O) {
  if (tag !== undefined) checkTag(tag)
  return <C extends ClassFor<O>>(Class: C & Fits<C, O>, context?: ClassDecoratorContext): C => {
    registerDeclared(Class, tag, options ?? {}, context)
    return Class
  }
}

/**
 * Gives a class one more tag. Of several, the topmost is the one that `dump` writes.
 *
 * ```ts
 * @alias('!trainer')
 * @registrable('!Train')
 * class Train extends Runnable { ... }
 * ```
 */
export function alias(tag: Tag, options: AliasOptions = {}) {
  checkTag(tag, 'alias')
  return <C extends Class>(Class: C, context?: ClassDecoratorContext): C => {
    registerDeclared(Class, tag, options, context)
    return Class
  }
}

/** Options of {@link alias}: those that are a tag's own. */
export type AliasOptions = Pick<RegistrationOptions, 'registry' | 'override' | 'deprecated'>

/**
 * Registers a class that you do not own, however it is constructed.
 *
 * ```ts
 * register(URL, '!Url', {
 *   fromYaml: (builder, node) => new URL(builder.constructScalar(node)),
 *   toYaml: (representer, url, tag) => representer.representScalar(tag, url.href),
 * })
 * ```
 */
export function register<C extends Class, O extends RegistrationOptions = {}>(
  Class: C & Fits<C, O>,
  tag: Tag,
  options?: O & HooksOf<C>,
): C {
  if (!options?.registry && declaresOnly())
    declare(Class).tags.push({ tag: checkTag(tag), options: options ?? {} })
  else (options?.registry ?? currentRegistry()).add(Class, tag, options)
  return Class
}

// A standard decorator sees its class before static fields and static methods' decorators have run.
function registerDeclared(
  Class: Class,
  tag: Tag | undefined,
  options: RegistrationOptions,
  context: ClassDecoratorContext | undefined,
): void {
  if (!context) declareAndAdd(Class, tag, options)
  else
    context.addInitializer(function (this: unknown) {
      declareAndAdd(this as Class, tag, options)
    })
}

function nameTag({ name }: Class): Tag {
  if (name !== '') return checkTag(`!${name}`)
  throw new RegistrationError(`A class without a name needs a tag: write "registrable('!Train')"`, {
    code: 'BAD_TAG',
  })
}

function declareAndAdd(Class: Class, given: Tag | undefined, options: RegistrationOptions): void {
  const tag = given ?? nameTag(Class)
  const { registry, ...declared } = options
  declare(Class).tags.push({ tag, options: declared })
  if (!registry && declaresOnly()) return
  const target = registry ?? currentRegistry()
  target.add(Class, tag, options)
}
