import type { Registry } from '../../registry/registry.js'
import { pathOf, type SchemaIssue } from '../../registry/standard-schema.js'
import type { Class } from '../../registry/types.js'
import type { Branch } from './union-issues.js'
import { pathText } from './validation.js'

/** What a member of a union expects, as a message says it: `string`, `an object of class "Model" (!Model)`. */
export function expectedBy(branch: Branch, path: readonly string[], registry: Registry): string {
  const place = pathText(path)
  const whole = branch.find((issue) => pathText(pathOf(issue)) === place && !('keys' in issue))
  if (whole) return wholeValue(whole, registry)
  return `a mapping (${branch.map((issue) => partOf(issue, path)).join('; ')})`
}

function partOf(issue: SchemaIssue, path: readonly string[]): string {
  const name = pathText(pathOf(issue).slice(path.length))
  return name === '' ? sentence(issue) : `"${name}": ${sentence(issue)}`
}

function wholeValue(issue: SchemaIssue, registry: Registry): string {
  const { expected, values } = issue as { expected?: unknown; values?: unknown }
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(' or ')
  if (typeof expected !== 'string' || expected === '') return sentence(issue)
  const tags = tagsOf(expected, registry)
  if (tags.length > 0) return `an object of class "${expected}" (${tags.map((tag) => `"${tag}"`).join(', ')})`
  return /^[A-Z]\w*$/.test(expected) && expected !== 'Object' ? `an object of class "${expected}"` : expected
}

// Of the classes that have this name, or extend one that has.
function tagsOf(name: string, registry: Registry): string[] {
  const isNamed = (Class: Class | null): boolean =>
    typeof Class === 'function' && (Class.name === name || isNamed(Object.getPrototypeOf(Class)))
  return registry.tags().filter((tag) => {
    const resolved = registry.get(tag)
    return resolved && !resolved.abstract && isNamed(resolved.Class)
  })
}

function sentence(issue: SchemaIssue): string {
  return issue.message.replace(/\.$/, '')
}
