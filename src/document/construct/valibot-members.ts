import type { StandardSchema } from '../../registry/standard-schema.js'

/** The parts of a schema of valibot that say what stands in it. */
interface ValibotSchema {
  readonly entries?: Readonly<Record<string, unknown>>
  readonly item?: unknown
  readonly items?: readonly unknown[]
  readonly value?: unknown
  readonly wrapped?: unknown
  readonly options?: readonly unknown[]
}

/** The schema of valibot at a path in another, where it can be seen. */
export function childSchema(schema: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, step) => {
    const { entries, items, item, value } = unwrapped(at)
    return entries?.[step] ?? items?.[Number(step)] ?? item ?? value
  }, schema)
}

/** The members of a union of valibot. */
export function membersOf(schema: unknown): StandardSchema[] {
  const { options = [] } = unwrapped(schema)
  return options.filter(
    (option): option is StandardSchema =>
      typeof option === 'object' && option !== null && '~standard' in option,
  )
}

// Optional and nullable ones have theirs inside.
function unwrapped(schema: unknown): ValibotSchema {
  let at = (schema ?? {}) as ValibotSchema
  while (at.wrapped) at = at.wrapped as ValibotSchema
  return at
}
