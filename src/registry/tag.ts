import { RegistrationError } from '../errors.js'

/** An application tag of YAML: `!Train`, `!torch.Adam`. */
export type Tag = `!${string}`

/** The tags of composition: they say where a value comes from, and no class can have them. */
export const compositionTags: ReadonlySet<string> = new Set([
  '!include',
  '!extends',
  '!env',
  '!ref',
  '!format',
  '!link',
  // The spelling of "!link" in flambé.
  '!@',
])

/** Whether a tag says where a value comes from: `!include`, `!ref`. */
export function isCompositionTag(tag: string | undefined): boolean {
  return tag !== undefined && compositionTags.has(tag)
}

// A tag shorthand of YAML, without escapes, "#" and the flow indicators, which end it.
const wellFormed = /^![\w./:;=?@+~$&*()'-]+$/

/** Returns `tag`, or throws a {@link RegistrationError} if it is not valid. */
export function checkTag(tag: string, decorator = 'registrable'): Tag {
  if (typeof tag === 'function') throw notCalled(tag, decorator)
  if (isCompositionTag(tag)) throw reserved(tag)
  if (wellFormed.test(tag)) return tag as Tag
  const shape = `write "!" and a name of letters, digits, "-", "_" and ".", such as "${similar(String(tag))}"`
  throw new RegistrationError(`"${tag}" is not a tag: ${shape}`, { code: 'BAD_TAG' })
}

function reserved(tag: string): RegistrationError {
  const message = `"${tag}" is a tag of this package, which says where a value comes from: choose another name`
  return new RegistrationError(message, { code: 'RESERVED_TAG' })
}

// "@registrable class Train": the class is passed in place of the tag.
function notCalled({ name }: { name: string }, decorator: string): RegistrationError {
  const message = `"@${decorator}" was not called with a tag: write "@${decorator}('${similar(name)}')"`
  return new RegistrationError(message, { code: 'BAD_TAG' })
}

function similar(tag: string): string {
  const name = tag.replace(/[^\w.-]+/g, '-').replace(/^-+|-+$/g, '')
  return name === '' ? '!Train' : `!${name}`
}

/** The namespace of a tag: `torch` for `!torch.Adam`, `undefined` for a tag without a dot. */
export function namespaceOf(tag: string): string | undefined {
  const dot = tag.indexOf('.')
  return dot > 1 ? tag.slice(1, dot) : undefined
}

/** The tag of a factory: `!Model.fromFile`. */
export function factoryTag(tag: Tag, factory: string): Tag {
  return `${tag}.${factory}`
}
