import { RegistrationError } from '../errors.js'
import type { SchemaIssue, SchemaResult, StandardSchema } from '../registry/standard-schema.js'

/**
 * Asks a schema.
 *
 * @throws {@link RegistrationError} when it answers with a promise: options are checked synchronously.
 */
export function ask(schema: StandardSchema, value: unknown, owner: string): SchemaResult<unknown> {
  const result = schema['~standard'].validate(value)
  if (!(result instanceof Promise)) return result
  const message = `The schema of "${owner}" is asynchronous, but options are checked synchronously`
  throw new RegistrationError(`${message}: move what must wait into "parse()"`, { code: 'ASYNC_SCHEMA' })
}

/** The names along the path of an issue. */
export function pathOf(issue: SchemaIssue): string[] {
  return (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step))
}

/** The names of options as a message writes them: `optimizer.rate`, `layers[0]`. */
export function pathText(path: readonly string[]): string {
  return path.map((step, at) => (/^\d+$/.test(step) ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')
}
