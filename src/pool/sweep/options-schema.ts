import type { SchemaIssue, SchemaResult, StandardSchema } from '../../registry/standard-schema.js'

/** What one option must be. */
export interface OptionRule {
  /** Completes the sentence "expected ...". */
  readonly expected: string
  readonly test: (value: unknown) => boolean
  readonly required?: true
  readonly default?: unknown
  /** Its JSON Schema, for editors. */
  readonly json: Readonly<Record<string, unknown>>
}

/** A Standard Schema of options of which each is by itself right or wrong; others are unknown. */
export function optionsSchema<Input, Output>(
  rules: Readonly<Record<string, OptionRule>>,
): StandardSchema<Input, Output> {
  return {
    '~standard': {
      version: 1,
      vendor: 'flambeau',
      validate: (value) => validate((value ?? {}) as Record<string, unknown>, rules) as SchemaResult<Output>,
      jsonSchema: { input: () => jsonSchemaOf(rules) },
    },
  }
}

function validate(given: Record<string, unknown>, rules: Readonly<Record<string, OptionRule>>) {
  const issues = [
    ...unknownIssues(given, rules),
    ...Object.entries(rules).flatMap(([name, rule]) => issuesOf(name, rule, given[name])),
  ]
  if (issues.length > 0) return { issues }
  const defaults = Object.entries(rules).map(([name, rule]) => [name, rule.default])
  return { value: { ...Object.fromEntries(defaults.filter(([, value]) => value !== undefined)), ...given } }
}

function unknownIssues(given: object, rules: object): SchemaIssue[] {
  const keys = Object.keys(given).filter((name) => !Object.hasOwn(rules, name))
  // As zod tells of them, so that each is pointed at.
  const issue = { message: `unknown ${keys.join(', ')}`, path: [], keys }
  return keys.length === 0 ? [] : [issue]
}

function issuesOf(name: string, rule: OptionRule, value: unknown): SchemaIssue[] {
  if (value === undefined ? !rule.required : rule.test(value)) return []
  return [{ message: `expected ${rule.expected}`, path: [name] }]
}

function jsonSchemaOf(rules: Readonly<Record<string, OptionRule>>): Record<string, unknown> {
  const properties = Object.fromEntries(Object.entries(rules).map(([name, { json }]) => [name, json]))
  const required = Object.keys(rules).filter((name) => rules[name]!.required)
  return { type: 'object', properties, required, additionalProperties: false }
}
