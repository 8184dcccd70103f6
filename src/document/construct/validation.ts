import type { SchemaIssue, SchemaResult, StandardSchema } from '../../registry/standard-schema.js'
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
export function ask(schema: StandardSchema, value: unknown): SchemaResult<unknown> {
  try {
    const result = schema['~standard'].validate(value)
    return result instanceof Promise ? promised(result, schema, value) : result
  } catch (thrown) {
    return { issues: [thrownIssue(thrown)] }
  }
}

/** Whether a schema could not be asked synchronously. */
export function isAsynchronous({ issues = [] }: SchemaResult<unknown>): boolean {
  return issues.some((issue) => 'asynchronous' in issue)
}

// zod answers with a promise when a check of the user's throws, too; asked in its own way, it throws that.
function promised(result: Promise<unknown>, schema: StandardSchema, value: unknown): SchemaResult<unknown> {
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
  return path.map((step, at) => (/^\d+$/.test(step) ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')
}
