import { type AliasOptions, alias, register, registrable } from './registrable.js'
import { checkTag, type Tag } from './tag.js'
import type { RegistrationOptions } from './types.js'

/** The decorators of one namespace: see {@link namespace}. */
export interface Namespace {
  readonly registrable: typeof registrable
  readonly alias: typeof alias
  readonly register: typeof register
}

/**
 * The same decorators with a prefix: `namespace('torch').registrable('!Adam')` is `!torch.Adam`.
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
 * `options`, such as a registry, hold for everything that is registered through it.
 */
export function namespace(name: string, options: Pick<RegistrationOptions, 'registry'> = {}): Namespace {
  checkTag(`!${name}`)
  const within = (tag: Tag): Tag => `!${name}.${checkTag(tag).slice(1)}`
  return {
    registrable: ((tag?: Tag, own?: RegistrationOptions) => (Class: any, context?: ClassDecoratorContext) =>
      registrable(within(tag ?? `!${Class.name}`), { ...options, ...own })(
        Class,
        context,
      )) as typeof registrable,
    alias: (tag: Tag, own?: AliasOptions) => alias(within(tag), { ...options, ...own }),
    register: ((Class: any, tag: Tag, own?: RegistrationOptions) =>
      register(Class, within(tag), { ...options, ...own } as {})) as typeof register,
  }
}
