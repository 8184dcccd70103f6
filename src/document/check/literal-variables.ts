import type { Problem } from '../../errors.js'
import { type Node, type ScalarNode, sourceOf } from '../../node.js'
import type { Source } from '../../source.js'
import { nodeProblem } from '../problems.js'
import type { ParsedText } from '../read/parsed.js'

// As in shells, with or without a default.
const variable = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?[-?+=][^}]*)?\}/

/** Warns of the first text in each file that looks like a variable, `${NAME}`: it is data. Scripts in blocks are meant as they are. */
export function literalVariables({ source, documents }: ParsedText): Problem[] {
  if (!source.text.includes('${') && documents.every(({ written }) => !written)) return []
  const found = new Map<string, Problem>()
  for (const { root, written } of documents)
    if (written || source.text.includes('${'))
      for (const scalar of scalarsOf(root)) {
        const own = sourceOf(scalar, source)
        if (!found.has(own.filename) && isWritten(scalar, own))
          found.set(own.filename, warningFor(scalar, source))
      }
  return [...found.values()]
}

function isWritten(scalar: ScalarNode, { text }: Source): boolean {
  const { value, origin, start } = scalar
  if (typeof value !== 'string' || origin || !value.includes('${')) return false
  return variable.test(value) && text[start] !== '|' && text[start] !== '>'
}

function warningFor(scalar: ScalarNode, source: Source): Problem {
  const [whole, name] = variable.exec(String(scalar.value))!
  const shown = whole.length > 64 ? `\${${name!.slice(0, 60)}}` : whole
  const message = `"${shown}" is data, and no variable is put in its place: write "!env ${name!.slice(0, 64)}" for an environment variable`
  return nodeProblem(scalar, source, 'LITERAL_VARIABLE', message)
}

function* scalarsOf(node: Node): Generator<ScalarNode> {
  if (node.kind === 'scalar') yield node
  if (node.kind === 'sequence') for (const item of node.items) yield* scalarsOf(item)
  if (node.kind === 'mapping') for (const { value } of node.entries) yield* scalarsOf(value)
}
