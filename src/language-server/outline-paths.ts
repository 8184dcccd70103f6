import { parsePath, printPath, type Step } from '../document/path.js'
import type { Outline, OutlineEntry, OutlineNode } from './outline.js'
import { anchoredNode } from './positions.js'

/** The root of the document that contains an offset. */
export function rootAt({ roots }: Outline, offset: number): OutlineNode | undefined {
  return roots.findLast(({ start }) => start <= offset) ?? roots[0]
}

/** The node at a path, such as that of a `!ref`. */
export function nodeAtPath(outline: Outline, root: OutlineNode, path: string): OutlineNode | undefined {
  const { steps, mistake } = parsePath(path)
  return mistake ? undefined : stepInto(outline, root, steps)
}

function stepInto(outline: Outline, root: OutlineNode, steps: readonly Step[]): OutlineNode | undefined {
  return steps.reduce<OutlineNode | undefined>((node, step) => {
    const { kind, entries } = (node && targetOf(outline, node)) ?? {}
    if (!entries) return undefined
    if (step.kind === 'index') return kind === 'sequence' ? entries.at(step.index)?.value : undefined
    return entries.findLast(({ key }) => key?.text === step.name)?.value
  }, root)
}

function targetOf(outline: Outline, node: OutlineNode): OutlineNode | undefined {
  return node.kind === 'alias' && node.content ? anchoredNode(outline, node.content) : node
}

/** A step that may follow in a path, as it is written, with what it leads to. */
export interface NextStep {
  readonly text: string
  readonly entry: OutlineEntry
}

/** An unfinished path: where its last step begins, and what may stand there. */
export interface UnfinishedPath {
  /** The offset in the text of the path. */
  readonly start: number
  readonly steps: readonly NextStep[]
}

const mostItems = 100

/** Completes the path of a node. */
export function completePath(outline: Outline, root: OutlineNode, path: string): UnfinishedPath {
  const [beginning = ''] = /^(?:.*[.[])?/s.exec(path) ?? []
  const separator = beginning.at(-1) ?? ''
  const before = beginning.slice(0, -1)
  const node = nodeAtPath(outline, root, before)
  const target = node && targetOf(outline, node)
  const start = separator === '[' ? before.length : beginning.length
  if (!target || (separator === '.' && before === '')) return { start, steps: [] }
  return { start, steps: nextSteps(target, separator) }
}

function nextSteps({ kind, entries }: OutlineNode, separator: string): NextStep[] {
  if (kind === 'sequence' && separator === '[')
    return entries.slice(0, mostItems).map((entry, index) => ({ text: `[${index}]`, entry }))
  if (kind !== 'mapping' || separator === '[') return []
  return entries.flatMap((entry) => {
    if (!entry.key || !entry.hasColon || entry.key.text === '<<') return []
    return [{ text: printPath([{ kind: 'key', name: entry.key.text }]), entry }]
  })
}
