import type { Problem } from '../../errors.js'
import { type Node, sourceOf } from '../../node.js'
import type { Source } from '../../source.js'
import { includeNodes, specOf } from '../include-spec.js'
import { IncludedSource } from '../included-source.js'
import { nodeProblem } from '../problems.js'
import type { FileUnit, IncludedFiles } from './files.js'

/** A file on the path from the top, and its includes that were not followed yet, the last first. */
interface Step {
  readonly unit: FileUnit
  readonly source: Source
  readonly rest: Node[]
}

/** A file that includes itself. */
export interface Cycle {
  /** Points at the include that closes it. */
  readonly problem: Problem
  /** The files that lead to a cycle. */
  readonly units: ReadonlySet<FileUnit>
}

/** Finds the files that include themselves, directly or through others: of several cycles, one has a problem. */
export function findCycle(
  includes: readonly Node[],
  source: Source,
  files: IncludedFiles,
): Cycle | undefined {
  const finder = new CycleFinder(source, files)
  for (const include of includes) finder.follow(include)
  const { problem, units } = finder
  return problem && { problem, units }
}

class CycleFinder {
  readonly units = new Set<FileUnit>()
  problem: Problem | undefined
  /** Files that lead to no cycle. */
  readonly #closed = new Set<FileUnit>()

  constructor(
    readonly source: Source,
    readonly files: IncludedFiles,
  ) {}

  /** Follows an include of the top file. A loop over a list of its own, since the cycle may be long. */
  follow(include: Node): void {
    const { top } = this.files
    const path: Step[] = [{ unit: top, source: this.source, rest: [include] }]
    const open = new Set([top])
    for (let step = path.at(-1)!; path.length > 0; step = path.at(-1)!) {
      const node = step.rest.pop()
      const found = node && this.#unitOf(node, step)
      if (!node) {
        if (step.unit !== top) this.#closed.add(step.unit)
        open.delete(step.unit)
        path.pop()
      } else if (found && (open.has(found) || this.units.has(found))) {
        this.problem ??= cycleProblem(node, found, path)
        for (const { unit } of path) this.units.add(unit)
        return
      } else if (found && !this.#closed.has(found)) {
        path.push(nextStep(found, node, step))
        open.add(found)
      }
    }
  }

  #unitOf(node: Node, { unit }: Step): FileUnit | undefined {
    const spec = specOf(node)
    const found = spec && this.files.get(unit.folder, spec.path)
    return found && 'code' in found ? undefined : found
  }
}

function nextStep(unit: FileUnit, include: Node, step: Step): Step {
  const { text, filename } = unit.parsed.source
  const { node } = specOf(include)!
  const source = new IncludedSource(text, filename, { source: sourceOf(node, step.source), node })
  return { unit, source, rest: includeNodes(unit.parsed).reverse() }
}

function cycleProblem(include: Node, unit: FileUnit, path: readonly Step[]): Problem {
  return nodeProblem(specOf(include)!.node, path.at(-1)!.source, 'INCLUDE_CYCLE', messageFor(unit, path))
}

const mostNames = 5

function messageFor(unit: FileUnit, path: readonly Step[]): string {
  const from = path.findIndex((step) => step.unit === unit)
  const names = [...path.slice(from), path[from]!].map((step) => `"${step.source.filename}"`)
  const shown =
    names.length > mostNames
      ? [...names.slice(0, 2), `${names.length - mostNames + 1} more files`, ...names.slice(-2)]
      : names
  return `${names[0]} includes itself: ${shown.join(' → ')}`
}
