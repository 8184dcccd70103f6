import { RegistrationError } from '../errors.js'

/** A YAML tag of an application: `!Train`, `!torch.Adam`. */
export type Tag = `!${string}`

// What YAML allows in a tag shorthand, less escapes, "#" and the flow indicators, which end it.
const wellFormed = /^![\w./:;=?@+~$&*()'-]+$/

/** Returns `tag`, or throws a {@link RegistrationError} that says what a tag looks like. */
export function checkTag(tag: string, decorator = 'registrable'): Tag {
  if (typeof tag === 'function') throw notCalled(tag, decorator)
  if (wellFormed.test(tag)) return tag as Tag
  const shape = `a tag is "!" and a name of letters, digits, "-", "_" and ".", such as "${similar(String(tag))}"`
  throw new RegistrationError(`"${tag}" is no tag: ${shape}`, { code: 'BAD_TAG' })
}

// "@registrable class Train": the class comes in place of the tag.
function notCalled({ name }: { name: string }, decorator: string): RegistrationError {
  const message = `"@${decorator}" was not called with a tag: write "@${decorator}('${similar(name)}')"`
  return new RegistrationError(message, { code: 'BAD_TAG' })
}

function similar(tag: string): string {
  const name = tag.replace(/[^\w.-]+/g, '-').replace(/^-+|-+$/g, '')
  return name === '' ? '!Train' : `!${name}`
}

/** The namespace of a tag, `torch` of `!torch.Adam`; nothing for a tag without a dot. */
export function namespaceOf(tag: string): string | undefined {
  const dot = tag.indexOf('.')
  return dot > 1 ? tag.slice(1, dot) : undefined
}

/** The tag under which a factory of a class is written: `!Model.fromFile`. */
export function factoryTag(tag: Tag, factory: string): Tag {
  return `${tag}.${factory}`
}
