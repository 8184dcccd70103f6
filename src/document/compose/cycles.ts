import type { Problem } from '../../errors.js'
import { type Node, sourceOf } from '../../node.js'
import type { Source } from '../../source.js'
import { nodeProblem } from '../problems.js'
import type { FileUnit, IncludedFiles } from './files.js'
import { includeNodes, specOf } from './include-spec.js'
import { IncludedSource } from './included-source.js'

/** A file on the way from the top, and its includes that were not followed yet, the last first. */
interface Step {
  readonly unit: FileUnit
  readonly source: Source
  readonly rest: Node[]
}

/**
 * Finds a file that includes itself, directly or through others: the problem points at the include that closes the circle.
 * A loop over a list of its own, since the circle may be long.
 */
export function findCycle(
  includes: readonly Node[],
  source: Source,
  files: IncludedFiles,
): Problem | undefined {
  const way: Step[] = [{ unit: files.top, source, rest: [...includes].reverse() }]
  const open = new Set([files.top])
  const closed = new Set<FileUnit>()
  for (let step = way.at(-1); step; step = way.at(-1)) {
    const node = step.rest.pop()
    const spec = node && specOf(node)
    if (!node) {
      closed.add(step.unit)
      open.delete(step.unit)
      way.pop()
      continue
    }
    const found = spec && files.get(step.unit.folder, spec.path)
    if (!found || 'code' in found || closed.has(found)) continue
    if (open.has(found)) return nodeProblem(spec.node, step.source, 'INCLUDE_CYCLE', messageFor(found, way))
    const { text, filename } = found.parsed.source
    const site = { source: sourceOf(spec.node, step.source), node: spec.node }
    const next = new IncludedSource(text, filename, site)
    way.push({ unit: found, source: next, rest: includeNodes(found.parsed).reverse() })
    open.add(found)
  }
  return undefined
}

const mostNames = 5

function messageFor(unit: FileUnit, way: readonly Step[]): string {
  const from = way.findIndex((step) => step.unit === unit)
  const names = [...way.slice(from), way[from]!].map((step) => `"${step.source.filename}"`)
  const shown =
    names.length > mostNames
      ? [...names.slice(0, 2), `${names.length - mostNames + 1} more files`, ...names.slice(-2)]
      : names
  return `${names[0]} includes itself: ${shown.join(' → ')}`
}
