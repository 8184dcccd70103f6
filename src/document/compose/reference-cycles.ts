import type { Problem } from '../../errors.js'
import { type Node, sourceOf } from '../../node.js'
import type { Source } from '../../source.js'
import { startOf } from '../nodes.js'
import { describeNode, relatedPosition } from '../problems.js'
import { maxDepth } from '../read/parsed.js'

interface Frame {
  readonly node: Node
  readonly next: readonly Node[]
  index: number
}

/** A cycle, or a chain that is too long: nothing else of the document can be trusted then. */
interface Reporter {
  /** `members` are the references of a cycle, the one that closes it first. */
  cycle(members: readonly Node[]): void
  tooDeep(reference: Node): void
}

/**
 * Finds cycles in what is constructed: a node needs its children, an alias and a link need their targets. Each cycle is cut
 * where it closes. A loop over a list of its own, since a chain of references may be longer than the stack.
 */
export function cutCycles(root: Node, isReference: (node: Node) => boolean, report: Reporter): void {
  const open = new Set<Node>()
  const done = new Set<Node>()
  const way: Frame[] = [frameOf(root)]
  let depth = 0
  open.add(root)
  for (let frame = way.at(-1); frame; frame = way.at(-1)) {
    const next = frame.next[frame.index++]
    if (!next) {
      open.delete(frame.node)
      done.add(frame.node)
      if (isCollection(frame.node)) depth--
      way.pop()
    } else if (open.has(next)) {
      const members = referencesOf(way, next, isReference)
      // A cycle of aliases alone was found when the text was read.
      if (members.length > 0) report.cycle(members)
      cut(frame.node)
    } else if (!done.has(next) && next.kind !== 'scalar') {
      if (isCollection(next)) depth++
      const reference = depth > maxDepth ? way.findLast(({ node }) => isReference(node)) : undefined
      if (reference) {
        report.tooDeep(reference.node)
        return
      }
      way.push(frameOf(next))
      open.add(next)
    }
  }
}

function frameOf(node: Node): Frame {
  return { node, next: neededBy(node), index: 0 }
}

function isCollection({ kind }: Node): boolean {
  return kind !== 'scalar' && kind !== 'alias' && kind !== 'value'
}

/** The nodes whose values the value of a node needs. */
export function neededBy(node: Node): readonly Node[] {
  if (node.kind === 'mapping') return node.entries.map(({ value }) => value)
  if (node.kind === 'sequence') return node.items
  if (node.kind === 'format') return node.parts.filter((part): part is Node => typeof part !== 'string')
  return (node.kind === 'alias' || node.kind === 'link') && node.target ? [node.target] : []
}

function referencesOf(way: readonly Frame[], from: Node, isReference: (node: Node) => boolean): Node[] {
  const start = way.findLastIndex(({ node }) => node === from)
  return way
    .slice(start)
    .map(({ node }) => node)
    .filter(isReference)
    .reverse()
}

function cut(node: Node): void {
  if (node.kind === 'alias' || node.kind === 'link') (node as { target: Node | undefined }).target = undefined
}

const mostNames = 5

/** The problem of a cycle; `members` are its references, the one to point at first. */
export function cycleProblem(members: readonly Node[], document: Source): Problem {
  const [first, ...others] = members as [Node, ...Node[]]
  const shown = others.slice(0, mostNames)
  const rest = others.length - shown.length
  const through = [...shown.map((node) => writtenAs(node, document)), ...(rest > 0 ? [`${rest} more`] : [])]
  const way = through.length === 0 ? '' : ` through ${through.join(', ')}`
  const message = `${writtenAs(first, document)} needs its own value${way}: write one of these values out`
  const problem = sourceOf(first, document).problem('REFERENCE_CYCLE', message, {
    start: startOf(first),
    end: first.end,
  })
  const related = shown.map((node) => relatedPosition('through', node, document))
  return { ...problem, related: [...related, ...(problem.related ?? [])] }
}

function writtenAs(node: Node, document: Source): string {
  if (node.tag === undefined) return describeNode(node, document)
  const text = node.kind === 'scalar' ? `${node.tag} ${String(node.value)}` : node.tag
  return `"${text.length > 64 ? `${text.slice(0, 63)}…` : text}"`
}
