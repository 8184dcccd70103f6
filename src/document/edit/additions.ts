import type { Problem } from '../../errors.js'
import { keyName, optionName, type ResolvedTag, schemaOf } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import { acceptedKeys } from '../../registry/standard-schema.js'
import type { Suggester } from '../../registry/suggest.js'
import { pathText } from '../construct/validation.js'
import { ProblemList } from '../problems.js'
import type { Addition } from './tree-editor.js'

/**
 * The problems of keys that overrides added, where the schema of their owner can say its keys and has no such one: a schema
 * might ignore it in silence, while somebody typed it. A schema that refuses unknown keys reports the same problem.
 */
export function additionProblems(
  additions: readonly Addition[],
  registry: Registry,
  suggester: Suggester,
): readonly Problem[] {
  const list = new ProblemList(suggester)
  for (const addition of additions) {
    const resolved = registry.get(addition.owner.tag!)
    if (resolved && !resolved.definition.fromYaml) checkAddition(addition, resolved, list)
  }
  return list.problems
}

function checkAddition(
  { owner, names, override, depth }: Addition,
  resolved: ResolvedTag,
  list: ProblemList,
): void {
  const { keys, injected } = resolved.definition
  const schema = schemaOf(resolved)
  const path = [optionName(names[0]!, keys), ...names.slice(1)]
  if (!schema || injected.includes(path[0]!)) return
  const known = acceptedKeys(schema, path.slice(0, -1))
  const name = path.at(-1)!
  if (!known || known.includes(name)) return
  const meant = list.suggester.suggest(known, name)
  const hint = meant === undefined || path.length > 1 ? meant : keyName(meant, keys)
  const remedy = hint === undefined ? ': remove it' : `: did you mean "${hint}"?`
  const message = `Option "${pathText(names)}" of "${owner.tag}" is unknown${remedy}`
  list.add(() => override.source.problem('UNKNOWN_OPTION', message, override.steps[depth]!, hint))
}
