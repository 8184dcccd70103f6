import { type Entry, type MappingNode, mappingNode, type Node, scalarNode, sequenceNode } from '../../node.js'
import type { Source } from '../../source.js'
import { optionOf } from '../include-spec.js'
import { isEmpty } from '../nodes.js'
import { keyText, printPath, type Step } from '../path.js'
import { ProblemList } from '../problems.js'
import type { ParsedDocument, ParsedText } from '../read/parsed.js'
import type { Override } from './override.js'
import { overridesOf } from './parse-overrides.js'
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

/** Where the `set` of each `!extends` is. */
type Context = Pick<EditContext, 'document'> & { readonly written: ReadonlyMap<Node, Node> }

/** Appends the changes inside an `!extends` to its `set`, in place, where that can have them. */
export function extendSets(tree: EditedTree, { written, document }: Context): ExtendedTree {
  const extended = new Set<Node>()
  const touched = new Set(tree.applied.flatMap(({ above }) => above))
  let whole = tree
  for (const [composed, changes] of changesByExtends(tree, written)) {
    const node = written.get(composed) as MappingNode
    const overrides = inSet(node, changes.map(settingOf), document)
    if (!overrides) continue
    const edited = applyOverrides(node, overrides, { document, problems: new ProblemList() })
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

// The outermost one counts. A change inside the value of another override is in that value already.
function changesByExtends({ applied }: EditedTree, written: ReadonlyMap<Node, Node>): Map<Node, Change[]> {
  const found = new Map<Node, Change[]>()
  const values = new Set(applied.map(({ override }) => override.value))
  for (const { override, above } of written.size > 0 ? applied : []) {
    const depth = above.findIndex((node) => written.get(node)?.tag === '!extends')
    if (depth === -1 || above.some((node, index) => index > depth && values.has(node))) continue
    const composed = above[depth]!
    const changes = found.get(composed)
    if (changes) changes.push({ override, depth })
    else found.set(composed, [{ override, depth }])
  }
  return found
}

/** An entry of a `set`. */
interface Setting {
  readonly name: string
  readonly change: Pick<Override, 'operation'> & { readonly steps: readonly Step[] }
  readonly value: Node
  readonly override: Override
}

function settingOf({ override, depth }: Change): Setting {
  const { operation, value } = override
  const steps = override.steps.slice(depth)
  const path = printPath(steps)
  const name = operation === 'append' ? `${path}+` : operation === 'remove' ? `~${path}` : path
  // An anchor of what the value replaces stays in the file that is extended.
  const own = value ? { ...value, anchor: undefined } : scalarNode(null)
  return { name, change: { operation, steps }, value: own, override }
}

/** The overrides that add settings to the `set` of an `!extends`; `undefined` if it cannot have them. */
function inSet(node: MappingNode, settings: readonly Setting[], document: Source): Override[] | undefined {
  const set = optionOf(node, 'set')?.value
  const known = set && !isEmpty(set) ? set : mappingNode([])
  if (known.kind === 'sequence')
    return settings.map((setting) => changeOf(setting, 'append', itemOf(setting)))
  if (known.kind !== 'mapping') return undefined
  if (isMapping(known, settings, document))
    return settings.map((setting) => changeOf(setting, 'set', setting.value, setting.name))
  const items = [...(known.entries.length > 0 ? [known] : []), ...settings.map(itemOf)]
  return [changeOf(settings[0]!, 'set', sequenceNode(items))]
}

function changeOf(
  { override: { source, span } }: Setting,
  operation: 'set' | 'append',
  ...[value, name]: [value: Node, name?: string]
): Override {
  const { start, end } = span
  const steps = (name === undefined ? ['set'] : ['set', name]).map((name) => ({
    kind: 'key' as const,
    name,
    start,
    end,
  }))
  return { operation, value, source, span, steps }
}

function itemOf({ name, value }: Setting): Node {
  return mappingNode([{ key: scalarNode(name), value, merge: false } satisfies Entry])
}

// More are not compared with each other: the list form is right for any.
const maxCompared = 1000

/**
 * Whether a mapping has the settings after its own. It is applied in order, and has a key once: another value may only be
 * where the first one is if nothing after that is about the same part.
 */
function isMapping(set: MappingNode, settings: readonly Setting[], document: Source): boolean {
  const { overrides } = overridesOf(set, document)
  const changes: Setting['change'][] = [...overrides]
  const positions = new Map(set.entries.map(({ key }, index) => [keyText(key) ?? '', index]))
  if (overrides.length < set.entries.length) return false
  for (const { name, change } of settings) {
    const position = positions.get(name)
    if (position === undefined) positions.set(name, changes.push(change) - 1)
    else if (change.operation !== 'set' || changes.length > maxCompared) return false
    else if (changes.slice(position + 1).some((later) => areRelated(change, later))) return false
  }
  return true
}

// Whether the order of two changes may matter.
function areRelated(one: Setting['change'], other: Setting['change']): boolean {
  const depth = one.steps.findIndex((step, depth) => !isSameStep(step, other.steps[depth]))
  const [step, otherStep] = [one.steps[depth], other.steps[depth]]
  if (!step || !otherStep) return true
  if (step.kind === 'key' && otherStep.kind === 'key') return step.name === '<<' || otherStep.name === '<<'
  if (step.kind === 'key' || otherStep.kind === 'key') return true
  // Indices that count from different ends may be one, and a removal moves the items after it.
  const moves = ({ operation, steps }: Setting['change']) =>
    operation === 'remove' && depth === steps.length - 1
  return step.index < 0 !== otherStep.index < 0 || moves(one) || moves(other)
}

function isSameStep(step: Step, other: Step | undefined): boolean {
  if (step.kind === 'key') return other?.kind === 'key' && other.name === step.name
  return other?.kind === 'index' && other.index === step.index
}

function merged(tree: EditedTree, edited: EditedTree): EditedTree {
  // A list that a "set" becomes has what is in it; it replaces nothing.
  const replaced = [...edited.replaced].filter(([value]) => value.kind !== 'sequence' || value.start >= 0)
  return {
    ...tree,
    changed: new Map([...tree.changed, ...edited.changed]),
    replaced: new Map([...tree.replaced, ...replaced]),
    origins: new Map([...tree.origins, ...edited.origins]),
  }
}
