import { RegistrationError, ValidationError } from '../../errors.js'
import { shared } from '../../registry/default-registry.js'
import {
  issuePath,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
} from '../../registry/standard-schema.js'
import { messageOf } from '../../util/thrown.js'

/** An issue that stands for what a schema threw. */
interface ThrownIssue extends SchemaIssue {
  readonly thrown: unknown
}

/** An issue that stands for a schema which answers with a promise. */
interface AsyncIssue extends SchemaIssue {
  readonly asynchronous: true
}

const asyncIssue: AsyncIssue = {
  message: 'is asynchronous, but options are checked synchronously: move what must wait into "parse()"',
  asynchronous: true,
}

/** Asks a schema; what it throws is an issue, too, and so is a promise: options are checked synchronously. */
export function validate(schema: StandardSchema, value: unknown): SchemaResult<unknown> {
  try {
    const result = schema['~standard'].validate(value)
    return result instanceof Promise ? fromPromise(result, schema, value) : result
  } catch (thrown) {
    return { issues: [thrownIssue(thrown)] }
  }
}

/** Whether a schema could not be asked synchronously. */
function isAsynchronous({ issues = [] }: SchemaResult<unknown>): boolean {
  return issues.some((issue) => 'asynchronous' in issue)
}

// zod answers with a promise when a check of the user's throws, too; asked in its own way, it throws that.
function fromPromise(
  result: Promise<unknown>,
  schema: StandardSchema,
  value: unknown,
): SchemaResult<unknown> {
  result.catch(() => {})
  const { safeParse } = schema as { safeParse?: (value: unknown) => unknown }
  try {
    if (schema['~standard'].vendor === 'zod') safeParse?.call(schema, value)
  } catch (thrown) {
    if ((thrown as Error | undefined)?.constructor?.name !== '$ZodAsyncError')
      return { issues: [thrownIssue(thrown)] }
  }
  return { issues: [asyncIssue] }
}

function thrownIssue(thrown: unknown): ThrownIssue {
  return { message: `its schema threw "${messageOf(thrown)}"`, thrown }
}

/** The names of options as a message writes them: `optimizer.rate`, `layers[0]`. */
export function pathText(path: readonly string[]): string {
  return path
    .map((step, index) => (/^\d+$/.test(step) ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')
}

/**
 * What a schema makes of options that are given in code.
 *
 * @throws {@link RegistrationError} when the schema is asynchronous.
 * @throws {@link ValidationError} that names the class and each option that is refused.
 */
export function validateOptions(schema: StandardSchema, input: unknown, className: string): unknown {
  const result = validate(schema, input)
  if (isAsynchronous(result))
    throw new RegistrationError(`The schema of "${className}" ${result.issues![0]!.message}`, {
      code: 'ASYNC_SCHEMA',
    })
  if (!result.issues) return result.value
  const lines = result.issues.map((issue) => described(issue, className))
  throw new ValidationError(lines.join('\n'), { code: 'BAD_OPTION' })
}

function described(issue: SchemaIssue, className: string): string {
  const name = pathText(issuePath(issue))
  const what = name === '' ? `Options of "${className}"` : `Option "${name}" of "${className}"`
  return `${what}: ${issue.message.replace(/\.$/, '')}`
}

/** Calls `make`, whose constructor need not ask `schema` again for what it made of the options. */
export function withPrevalidated<T>(options: unknown, schema: StandardSchema, make: () => T): T {
  shared.prevalidated = { options, schema }
  try {
    return make()
  } finally {
    shared.prevalidated = undefined
  }
}

/** Whether these very options come from this very schema, on their way to the constructor that asks; once. */
export function takePrevalidated(options: unknown, schema: StandardSchema): boolean {
  const { prevalidated } = shared
  if (!prevalidated || prevalidated.schema !== schema || !Object.is(prevalidated.options, options))
    return false
  shared.prevalidated = undefined
  return true
}
