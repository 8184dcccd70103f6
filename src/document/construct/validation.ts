import { RegistrationError } from '../../errors.js'
import type { SchemaIssue, SchemaResult, StandardSchema } from '../../registry/standard-schema.js'
import { messageOf } from '../../util/thrown.js'

/** An issue that stands for what a schema threw. */
interface ThrownIssue extends SchemaIssue {
  readonly thrown: unknown
}

/**
 * Asks a schema; what it throws is an issue, too.
 *
 * @throws {@link RegistrationError} when it answers with a promise: options are checked synchronously.
 */
export function ask(schema: StandardSchema, value: unknown, owner: string): SchemaResult<unknown> {
  const result = attempt(schema, value)
  if (!(result instanceof Promise)) return result
  result.catch(() => {})
  // zod answers so when a check of the user's throws.
  const message = `The schema of "${owner}" is asynchronous, or throws, but options are checked synchronously`
  throw new RegistrationError(`${message}: move what must wait into "parse()"`, { code: 'ASYNC_SCHEMA' })
}

function attempt(
  schema: StandardSchema,
  value: unknown,
): ReturnType<StandardSchema['~standard']['validate']> {
  try {
    return schema['~standard'].validate(value)
  } catch (thrown) {
    const issue: ThrownIssue = { message: `its schema threw "${messageOf(thrown)}"`, thrown }
    return { issues: [issue] }
  }
}

/** The names of options as a message writes them: `optimizer.rate`, `layers[0]`. */
export function pathText(path: readonly string[]): string {
  return path.map((step, at) => (/^\d+$/.test(step) ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')
}
