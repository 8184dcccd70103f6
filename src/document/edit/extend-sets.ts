import { type Entry, type MappingNode, mappingNode, type Node, scalarNode } from '../../node.js'
import { optionOf } from '../include-spec.js'
import { isEmpty } from '../nodes.js'
import { keyText, printPath, type Step } from '../path.js'
import { ProblemList } from '../problems.js'
import type { ParsedDocument, ParsedText } from '../read/parsed.js'
import type { Override } from './override.js'
import { applyOverrides, type EditContext, type EditedTree } from './tree-editor.js'

/** A tree whose `!extends` have the changes inside them in their `set`. */
export interface ExtendedTree extends EditedTree {
  /** The composed nodes that are written as their `!extends`. */
  readonly extended: ReadonlySet<Node>
  /** The collections in which something was changed. */
  readonly touched: ReadonlySet<Node>
}

/** A document that was edited as a tree. */
export interface EditTarget {
  readonly parsed: ParsedText
  readonly document: ParsedDocument
  readonly index: number
  readonly tree: ExtendedTree
}

/** Appends the changes inside an `!extends` to its `set`, in place, where that can say them. */
export function extendSets(
  tree: EditedTree,
  written: ReadonlyMap<Node, Node>,
  document: EditContext['document'],
): ExtendedTree {
  const extended = new Set<Node>()
  const touched = new Set(tree.applied.flatMap(({ above }) => above))
  let whole = tree
  for (const [composed, changes] of changesByExtends(tree, written)) {
    const node = written.get(composed) as MappingNode
    const overrides = changes.map(({ override, depth }) => inSet(node, override, override.steps.slice(depth)))
    // The same path twice needs a list of mappings: then the whole value is written.
    const names = overrides.map((override) => override?.steps.at(-1)?.kind === 'key' && nameOf(override))
    if (overrides.includes(undefined) || new Set(names).size < names.length) continue
    const edited = applyOverrides(node, overrides as Override[], { document, problems: new ProblemList() })
    extended.add(composed)
    for (const { above } of edited.applied) for (const each of above) touched.add(each)
    whole = merged(whole, edited)
  }
  return { ...whole, extended, touched }
}

interface Change {
  readonly override: Override
  /** The number of steps to the `!extends`. */
  readonly depth: number
}

// The outermost one counts.
function changesByExtends({ applied }: EditedTree, written: ReadonlyMap<Node, Node>): Map<Node, Change[]> {
  const found = new Map<Node, Change[]>()
  for (const { override, above } of written.size > 0 ? applied : []) {
    const depth = above.findIndex((node) => written.get(node)?.tag === '!extends')
    if (depth === -1) continue
    const composed = above[depth]!
    const changes = found.get(composed)
    if (changes) changes.push({ override, depth })
    else found.set(composed, [{ override, depth }])
  }
  return found
}

function nameOf({ steps }: Override): string {
  const step = steps.at(-1)!
  return step.kind === 'key' ? step.name : ''
}

/** The override that adds a change to the `set` of an `!extends`; `undefined` if the set has that path already. */
function inSet(node: MappingNode, override: Override, steps: readonly Step[]): Override | undefined {
  const { operation, value, source, span } = override
  const path = printPath(steps)
  const name = operation === 'append' ? `${path}+` : operation === 'remove' ? `~${path}` : path
  const set = optionOf(node, 'set')?.value
  // An anchor of what the value replaces stays in the file that is extended.
  const own = value ? { ...value, anchor: undefined } : scalarNode(null)
  const added = { operation: 'set' as const, value: own, source, span }
  const inMapping = [keyStep('set', span), keyStep(name, span)]
  if (!set || isEmpty(set)) return { ...added, steps: inMapping }
  if (set.kind === 'mapping') return canSet(set, name) ? { ...added, steps: inMapping } : undefined
  if (set.kind !== 'sequence') return undefined
  const key = scalarNode(name)
  const item: Node = mappingNode([{ key, value: own, merge: false } satisfies Entry])
  return { ...added, operation: 'append', value: item, steps: [keyStep('set', span)] }
}

function keyStep(name: string, { start, end }: Override['span']): Override['steps'][number] {
  return { kind: 'key', name, start, end }
}

// A value may be replaced where nothing below it is about the same part, since the entries are applied in order.
function canSet({ entries }: MappingNode, name: string): boolean {
  const index = entries.findIndex(({ key }) => keyText(key) === name)
  if (index === -1) return true
  const later = entries.slice(index + 1).map(({ key }) => pathIn(keyText(key) ?? ''))
  const own = pathIn(name)
  const isRelated = (path: string) => path.startsWith(own) || own.startsWith(path)
  return pathIn(name) === name && !later.some(isRelated)
}

function pathIn(name: string): string {
  return name.replace(/^~|\+$/g, '')
}

function merged(tree: EditedTree, edited: EditedTree): EditedTree {
  return {
    ...tree,
    changed: new Map([...tree.changed, ...edited.changed]),
    replaced: new Map([...tree.replaced, ...edited.replaced]),
    origins: new Map([...tree.origins, ...edited.origins]),
  }
}
