import { RegistrationError, ValidationError } from '../../errors.js'
import { shared } from '../../registry/default-registry.js'
import {
  issuePath,
  type SchemaIssue,
  type SchemaResult,
  type StandardSchema,
} from '../../registry/standard-schema.js'
import { messageOf } from '../../util/thrown.js'
import { printPath } from '../path.js'

/** The issue for an error that a schema threw. */
interface ThrownIssue extends SchemaIssue {
  readonly thrown: unknown
}

/** The issue for a schema that returned a promise. */
interface AsyncIssue extends SchemaIssue {
  readonly asynchronous: true
}

const asyncIssue: AsyncIssue = {
  message: 'is asynchronous: load the text with "loadAsync", check it with "checkAsync"',
  asynchronous: true,
}

/** Validates a value; an error that the schema throws is an issue. Returns a promise when the schema is asynchronous. */
export function validateAsync(
  schema: StandardSchema,
  value: unknown,
): SchemaResult<unknown> | Promise<SchemaResult<unknown>> {
  try {
    const result = schema['~standard'].validate(value)
    return result instanceof Promise
      ? result.then(wellFormed).catch((thrown: unknown) => ({ issues: [thrownIssue(thrown)] }))
      : wellFormed(result)
  } catch (thrown) {
    return { issues: [thrownIssue(thrown)] }
  }
}

/** Validates a value synchronously: an error that the schema throws is an issue, and so is a promise that it returns. */
export function validate(schema: StandardSchema, value: unknown): SchemaResult<unknown> {
  try {
    const result = schema['~standard'].validate(value)
    return result instanceof Promise ? fromPromise(result, schema, value) : wellFormed(result)
  } catch (thrown) {
    return { issues: [thrownIssue(thrown)] }
  }
}

const malformed: SchemaIssue = {
  message: 'its schema returned neither "value" nor a list of issues, each with a message',
}

// A schema may be written by hand (https://standardschema.dev).
function wellFormed(result: SchemaResult<unknown>): SchemaResult<unknown> {
  const issues: unknown = result?.issues
  if (typeof result === 'object' && result !== null && issues === undefined) return result
  const isList = Array.isArray(issues) && issues.every((issue) => typeof issue?.message === 'string')
  return isList ? result : { issues: [malformed] }
}

/** Whether a schema could not validate synchronously. */
export function isAsynchronous({ issues = [] }: SchemaResult<unknown>): boolean {
  return issues.some((issue) => 'asynchronous' in issue)
}

// zod also returns a promise when a check of the user throws; its own `safeParse` throws that error.
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

/** The path of an option as messages show it: `optimizer.rate`, `layers[0]`. */
export function pathText(path: readonly string[]): string {
  return printPath(
    path.map((step) =>
      /^\d+$/.test(step) ? { kind: 'index', index: Number(step) } : { kind: 'key', name: step },
    ),
  )
}

/**
 * Validates options that are passed in code, and returns the output of the schema.
 *
 * @throws {@link RegistrationError} when the schema is asynchronous.
 * @throws {@link ValidationError} that names the class and each option that is refused.
 */
export function validateOptions(schema: StandardSchema, input: unknown, className: string): unknown {
  const result = validate(schema, input)
  if (isAsynchronous(result))
    throw new RegistrationError(
      `The schema of "${className}" is asynchronous, and "new" cannot wait for it: load the object with "loadAsync"`,
      { code: 'ASYNC_SCHEMA' },
    )
  if (!result.issues) return result.value
  const lines = result.issues.map((issue) => described(issue, className))
  throw new ValidationError(lines.join('\n'), { code: 'BAD_OPTION' })
}

function described(issue: SchemaIssue, className: string): string {
  const name = pathText(issuePath(issue))
  const what = name === '' ? `Options of "${className}"` : `Option "${name}" of "${className}"`
  return `${what}: ${issue.message.replace(/\.$/, '')}`
}

/**
 * Calls `make`, whose constructor receives `options` that `schema` has already validated. Without this, a class made by
 * `with(schema)` would validate the output of its schema again, and a schema that transforms would refuse it.
 */
export function withPrevalidated<T>(options: unknown, schema: StandardSchema, make: () => T): T {
  shared.prevalidated = { options, schema }
  try {
    return make()
  } finally {
    shared.prevalidated = undefined
  }
}

/** Marks options that `schema` has validated, and that a method which may be asynchronous passes on to the constructor. */
export function markPrevalidated(options: unknown, schema: StandardSchema): void {
  if (typeof options !== 'object' || options === null) return
  shared.prevalidatedOptions ??= new WeakMap()
  shared.prevalidatedOptions.set(options, schema)
}

/** Whether the loader has validated these options with this schema; true only once, for the constructor that they are for. */
export function takePrevalidated(options: unknown, schema: StandardSchema): boolean {
  const { prevalidated, prevalidatedOptions: marked } = shared
  if (typeof options === 'object' && options !== null && marked?.get(options) === schema)
    return marked.delete(options)
  if (!prevalidated || prevalidated.schema !== schema || !Object.is(prevalidated.options, options))
    return false
  shared.prevalidated = undefined
  return true
}
