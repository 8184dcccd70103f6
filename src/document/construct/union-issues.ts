import { issuePath, type SchemaIssue, type StandardSchema } from '../../registry/standard-schema.js'

/** What one member of a union says of a value; paths begin at the options. */
export type Branch = readonly SchemaIssue[]

/** What each member of a union says of a value, where its library has that; not part of Standard Schema. */
export function branchesOf(issue: SchemaIssue, schema: StandardSchema): readonly Branch[] {
  return ofZod(issue) ?? ofArktype(issue) ?? ofValibot(issue, schema) ?? []
}

/**
 * The member that was meant: the only one whose kind the value has, or the one with the fewest mistakes
 * among its constants.
 */
export function intendedBranch(branches: readonly Branch[], path: readonly string[]): Branch | undefined {
  const fitting = branches.filter((branch) => branch.every((issue) => isInside(issue, path)))
  const costs = fitting.map((branch) =>
    branch.reduce((sum, issue) => sum + (isConstant(issue) ? 1000 : 1), 0),
  )
  const least = Math.min(...costs)
  const best = fitting.filter((_, index) => costs[index] === least)
  return best.length === 1 && (least < 1000 || fitting.length === 1) ? best[0] : undefined
}

/** Where every member wants another constant, if that is one place. */
export function constantPath(branches: readonly Branch[]): string[] | undefined {
  const paths = branches.map((branch) => branch.filter(isConstant).map((issue) => issuePath(issue)))
  return paths[0]?.find((path) => paths.every((others) => others.some((other) => isSame(other, path))))
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((step, index) => step === other[index])
}

function isInside(issue: SchemaIssue, path: readonly string[]): boolean {
  const { keys } = issue as { keys?: unknown }
  return issuePath(issue).length > path.length || Array.isArray(keys)
}

// A literal tells members apart.
function isConstant(issue: SchemaIssue): boolean {
  const { code, type } = issue as { code?: unknown; type?: unknown }
  return code === 'invalid_value' || type === 'literal' || type === 'picklist' || code === 'unit'
}

function ofZod(issue: SchemaIssue): Branch[] | undefined {
  const { code, errors } = issue as { code?: unknown; errors?: unknown }
  if (code !== 'invalid_union' || !Array.isArray(errors) || !errors.every(Array.isArray)) return undefined
  return errors.map((branch: Branch) => branch.map((inner) => below(issue, inner)))
}

// One error for each member, whose path is whole.
function ofArktype(issue: SchemaIssue): Branch[] | undefined {
  const { code, errors } = issue as { code?: unknown; errors?: unknown }
  if (code !== 'union' || !Array.isArray(errors)) return undefined
  return errors.map((error: SchemaIssue) => [error])
}

// Its list does not say which member says what: each is asked again.
function ofValibot(issue: SchemaIssue, schema: StandardSchema): Branch[] | undefined {
  const { type, issues, input } = issue as { type?: unknown; issues?: unknown; input?: unknown }
  if (type !== 'union' || !Array.isArray(issues)) return undefined
  const members = membersOf(childSchema(schema, issuePath(issue)))
  const answers = members.map((member) => member['~standard'].validate(input))
  if (members.length === 0 || answers.some((answer) => answer instanceof Promise))
    return issues.map((inner: SchemaIssue) => [below(issue, inner)])
  return answers.map((answer) =>
    ((answer as { issues?: readonly SchemaIssue[] }).issues ?? []).map((inner) => below(issue, inner)),
  )
}

function below(outer: SchemaIssue, inner: SchemaIssue): SchemaIssue {
  return { ...inner, message: inner.message, path: [...(outer.path ?? []), ...(inner.path ?? [])] }
}

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
function childSchema(schema: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((current, step) => {
    const { entries, items, item, value } = unwrapped(current)
    return entries?.[step] ?? items?.[Number(step)] ?? item ?? value
  }, schema)
}

/** The members of a union of valibot. */
function membersOf(schema: unknown): StandardSchema[] {
  const { options = [] } = unwrapped(schema)
  return options.filter(
    (option): option is StandardSchema =>
      typeof option === 'object' && option !== null && '~standard' in option,
  )
}

// Optional and nullable ones have theirs inside.
function unwrapped(schema: unknown): ValibotSchema {
  let current = (schema ?? {}) as ValibotSchema
  while (current.wrapped) current = current.wrapped as ValibotSchema
  return current
}
