import { RegistrationError, ValidationError } from '../../errors.js'
import type { SchemaIssue, StandardSchema } from '../../registry/standard-schema.js'
import { pathOf } from '../../registry/standard-schema.js'
import { ask, isAsynchronous, pathText } from './validation.js'

/**
 * What a schema makes of options that are given in code.
 *
 * @throws {@link RegistrationError} when the schema is asynchronous.
 * @throws {@link ValidationError} that names the class and each option that is refused.
 */
export function validated(schema: StandardSchema, input: unknown, className: string): unknown {
  const result = ask(schema, input)
  if (isAsynchronous(result))
    throw new RegistrationError(`The schema of "${className}" ${result.issues![0]!.message}`, {
      code: 'ASYNC_SCHEMA',
    })
  if (!result.issues) return result.value
  const lines = result.issues.map((issue) => described(issue, className))
  throw new ValidationError(lines.join('\n'), { code: 'BAD_OPTION' })
}

function described(issue: SchemaIssue, className: string): string {
  const name = pathText(pathOf(issue))
  const what = name === '' ? `Options of "${className}"` : `Option "${name}" of "${className}"`
  return `${what}: ${issue.message.replace(/\.$/, '')}`
}
