import type { Problem } from '../../errors.js'
import {
  type AliasNode,
  aliasAt,
  type FormatNode,
  isApplicationTag,
  type LinkNode,
  type Node,
  noProps,
  type ScalarNode,
  scalarAt,
  sourceOf,
} from '../../node.js'
import { optionName, schemaOf } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import { knownKeys } from '../../registry/standard-schema.js'
import { Suggester } from '../../registry/suggest.js'
import type { Source, Span } from '../../source.js'
import { isSecretName } from '../../util/private-names.js'
import { isEmpty, mergeSources, startOf, targetOf } from '../nodes.js'
import { explainMiss, meantStep, nodeAt, type PathStep, parsePath, quotedPath } from '../path.js'
import { describeNode, ProblemList, spanOf } from '../problems.js'
import type { ParsedDocument, ParsedText } from '../read/parsed.js'
import { unknownNode } from './compose.js'
import { type Explanation, envSpec, missingVariable, variableOf, variableScalar } from './environment.js'
import { describeFound, type FormatPath, longestFormat, notText, parseFormat, scalarText } from './format.js'
import { PathWalker, type Walk, type Work } from './path-walk.js'
import { cutCycles, cycleProblem } from './reference-cycles.js'
import { isPlaceholder, isReference, ReferenceSites, type Site, unreadable } from './reference-sites.js'

/** The codes of problems after which the other values of a text are what the user meant. */
export const referenceCodes: readonly string[] = [
  'BAD_ENV',
  'BAD_FORMAT',
  'BAD_LINK',
  'BAD_PATH',
  'BAD_REFERENCE',
  'MISSING_VARIABLE',
  'NO_SUCH_PATH',
  'REFERENCE_CYCLE',
]

const reported = new WeakMap<ParsedDocument, readonly Problem[]>()

/**
 * Resolves `!env`, `!ref`, `!format` and `!link` in place, and returns the problems. Templates are known by the registry: in
 * them, paths start at the top of the template. A second call only returns the problems again.
 */
export function resolveReferences(parsed: ParsedText, registry: Registry): readonly Problem[] {
  return parsed.documents.flatMap((document) => {
    if (document.hasReferences) {
      const resolver = new Resolver(document, parsed, registry)
      resolver.resolve()
      reported.set(document, resolver.list.problems)
    }
    return reported.get(document) ?? []
  })
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A reference that is being resolved. */
interface Task {
  readonly node: Node
  readonly work: Work<Node>
}

class Resolver {
  readonly list: ProblemList
  readonly #suggester = new Suggester()
  readonly #source: Source
  readonly #found: ReferenceSites
  readonly #resolved = new Map<Node, Node>()
  readonly #walker: PathWalker
  readonly #siteOf = new Map<Node, Site>()
  /** The nodes that were made for references, and the references. */
  readonly #made = new Map<Node, Node>()
  /** The length of the texts of all formats. */
  #length = 0

  constructor(
    readonly document: ParsedDocument,
    readonly parsed: ParsedText,
    readonly registry: Registry,
  ) {
    this.list = new ProblemList(this.#suggester)
    this.#source = parsed.source
    this.#found = new ReferenceSites(registry)
    this.#walker = new PathWalker(this.#resolved, this.#found.templates, registry)
  }

  resolve(): void {
    const document = this.document as Mutable<ParsedDocument>
    const scope = { top: document.root, isTemplate: false, isUncertain: false, isChoice: false }
    this.#found.visit(document.root, scope, (node) => {
      document.root = node
    })
    for (const site of this.#found.sites) this.#siteOf.set(site.node, site)
    for (const { node } of this.#found.sites) if (!this.#resolved.has(node)) this.#settle(node)
    this.#replaceAll(document)
    this.#checkMerges()
    cutCycles(document.root, (node) => this.#isMade(node), {
      cycle: (members) => this.list.add(() => cycleProblem(members, this.#source)),
      tooDeep: (node) => this.#report(node, 'TOO_DEEP', tooDeep),
    })
    document.tagged = document.tagged.filter((node) => !isReference(node))
    document.hasReferences = false
  }

  #isMade(node: Node): boolean {
    return (node.kind === 'alias' || node.kind === 'link' || node.kind === 'format') && this.#made.has(node)
  }

  #replaceAll(document: Mutable<ParsedDocument>): void {
    document.written ??= new Map()
    for (const { node, replace } of this.#found.sites) {
      const made = this.#resolved.get(node)!
      replace(made)
      document.written.set(made, node)
    }
    for (const alias of this.#found.aliases)
      if (alias.target && this.#resolved.has(alias.target))
        (alias as Mutable<AliasNode>).target = targetOf(this.#resolved.get(alias.target)!)
  }

  // A stack of its own, since a chain of references may be long.
  #settle(node: Node): void {
    const tasks: Task[] = [this.#task(node)]
    const open = new Set([node])
    for (let task = tasks.at(-1); task; task = tasks.at(-1)) {
      const { value, done } = task.work.next()
      if (!done && open.has(value)) this.#cycle(tasks, open, value)
      else if (!done) {
        tasks.push(this.#task(value))
        open.add(value)
      } else {
        this.#finish(task.node, value)
        open.delete(task.node)
        tasks.pop()
      }
    }
  }

  #finish(node: Node, made: Node): void {
    this.#resolved.set(node, made)
    this.#made.set(made, node)
    const { anchor } = node
    if (anchor !== undefined && made.anchor === undefined) (made as { anchor: string }).anchor = anchor
  }

  #cycle(tasks: Task[], open: Set<Node>, start: Node): void {
    const members = tasks.splice(tasks.findIndex(({ node }) => node === start)).map(({ node }) => node)
    this.list.add(() => cycleProblem(members, this.#source))
    for (const node of members) {
      this.#finish(node, this.#unknown(node))
      open.delete(node)
    }
  }

  #task(node: Node): Task {
    return { node, work: this.#workFor(this.#siteOf.get(node)!) }
  }

  #workFor(site: Site): Work<Node> {
    switch (site.node.tag) {
      case '!env':
        return this.#env(site)
      case '!ref':
        return this.#ref(site)
      case '!format':
        return this.#format(site)
      default:
        return this.#link(site)
    }
  }

  *#env({ node }: Site): Work<Node> {
    const spec = envSpec(node)
    if ('message' in spec) return this.#report(node, 'BAD_ENV', () => spec, spanOf(spec.node))
    const { environment } = this.parsed
    const text = variableOf(environment, spec.name)
    const { isYaml11 } = this.document
    if (text !== undefined) return variableScalar(node, text, { ...spec, isYaml11 })
    if (spec.default && spec.isText) return yield* this.#textDefault(node, spec.default)
    if (spec.default) return yield* this.#walker.settled(spec.default)
    return this.#report(
      node,
      'MISSING_VARIABLE',
      () => missingVariable(spec.name, environment, this.#suggester),
      contentOf(spec.node),
    )
  }

  // "3000" for 3000; null is no text, and stays.
  *#textDefault(node: Node, written: Node): Work<Node> {
    const found = yield* this.#walker.followed(written)
    if (!found) return this.#unknown(node)
    const isOwn = found.kind === 'format' || (found.kind === 'scalar' && !isApplicationTag(found.tag))
    if (isOwn && (found.kind === 'format' || found.value === null || typeof found.value === 'string'))
      return yield* this.#walker.settled(written)
    const text = found.kind === 'scalar' ? scalarText(found, this.#source) : undefined
    if (text === undefined) return this.#report(node, 'BAD_ENV', badDefault(found), spanOf(written))
    const { isYaml11 } = this.document
    const variable = found.kind === 'scalar' ? found.origin?.variable : undefined
    return { ...variableScalar(node, text, { name: '', isText: true, isYaml11 }), origin: { text, variable } }
  }

  *#ref(site: Site): Work<Node> {
    const steps = this.#stepsOf(site)
    if (!steps) return this.#unknown(site.node)
    const walk = yield* this.#walker.walk(site.scope, steps)
    if (walk.kind === 'miss' && walk.isChosen) return this.#chosen(site, steps, walk)
    if (walk.kind !== 'found') return this.#missed(site, steps, walk)
    const target = yield* this.#targetIn(site, walk.node)
    if (!target) return this.#unknown(site.node)
    if (site.scope.isChoice && this.#isChosenLater(targetOf(target)!))
      return this.#report(site.node, 'BAD_REFERENCE', chosenLater)
    return this.#alias(site.node, target)
  }

  // A path through a placeholder is followed in the value that is chosen.
  #chosen(site: Site, steps: readonly PathStep[], { miss }: Walk & { kind: 'miss' }): Node {
    if (site.scope.isChoice) return this.#report(site.node, 'BAD_REFERENCE', chosenLater)
    return { ...this.#linkNode(site.node, miss.node, namesOf(steps.slice(miss.depth))), isReference: true }
  }

  // Whether a value is only known when a template is built.
  #isChosenLater(node: Node): boolean {
    return node.kind === 'format' || node.kind === 'link' || isPlaceholder(node, this.registry)
  }

  // In a template, `build` may replace the value at the path, so the path leads to the value itself, not to its target.
  *#targetIn({ scope }: Site, node: Node): Work<Node | undefined> {
    const target = yield* this.#walker.followed(node)
    return target && scope.isTemplate ? node : target
  }

  *#link(site: Site): Work<Node> {
    const steps = this.#stepsOf(site)
    if (!steps) return this.#unknown(site.node)
    const walk = yield* this.#walker.walk(site.scope, steps)
    if (walk.kind === 'unknown') return this.#unknown(site.node)
    if (walk.entersTemplate) return this.#report(site.node, 'BAD_LINK', intoTemplate(site.node))
    if (walk.kind === 'found') {
      const target = yield* this.#targetIn(site, walk.node)
      return target ? this.#linkNode(site.node, target, []) : this.#unknown(site.node)
    }
    const { node, depth } = walk.miss
    const isObject = isApplicationTag(node.tag) || node.kind === 'link'
    if (depth === 0 || !isObject) return this.#missed(site, steps, walk)
    const rest = namesOf(steps.slice(depth))
    const refused = rest.find((step) => unreadable.has(step))
    if (refused !== undefined) return this.#report(site.node, 'BAD_LINK', `A link cannot read "${refused}"`)
    return this.#linkNode(site.node, node, rest)
  }

  *#format(site: Site): Work<Node> {
    const { node, scope } = site
    if (node.kind !== 'scalar') return this.#report(node, 'BAD_FORMAT', notOneText(node, this.#source))
    const format = parseFormat(String(node.value ?? ''))
    if (format.message !== undefined)
      return this.#report(node, 'BAD_FORMAT', format.message, this.#spanIn(node, format.span))
    const parts: (string | Node)[] = []
    for (const part of format.parts) {
      const found = typeof part === 'string' ? part : yield* this.#formatPart(site, part)
      if (!found) return this.#unknown(node)
      parts.push(found)
    }
    const isLate = scope.isTemplate && !scope.isChoice && parts.some((part) => typeof part !== 'string')
    return isLate ? this.#formatNode(node, parts) : this.#formatted(node, parts)
  }

  #formatted(node: Node, parts: readonly (string | Node)[]): Node {
    let text = ''
    let variable: string | undefined
    for (const part of parts) {
      const scalar = part as ScalarNode
      text += typeof part === 'string' ? part : scalarText(scalar, this.#source)
      const found = typeof part === 'string' ? undefined : scalar.origin?.variable
      // Of several, one that looks like a secret: a record keeps the format then.
      if (variable === undefined || (found !== undefined && isSecretName(found))) variable = found ?? variable
      if (text.length > longestFormat) return this.#report(node, 'BAD_FORMAT', tooLong())
    }
    this.#length += text.length
    if (this.#length > mostFormatted) return this.#report(node, 'BAD_FORMAT', tooLong())
    const scalar = scalarAt(noProps, startOf(node), node.end, text, false)
    return { ...scalar, origin: { text, variable }, ...(node.source && { source: node.source }) }
  }

  // Returns nothing after a problem.
  *#formatPart(site: Site, part: FormatPath): Work<Node | undefined> {
    const { node, scope } = site
    const walk = yield* this.#walker.walk(scope, part.steps)
    if (walk.kind === 'miss' && walk.isChosen) {
      const chosen = this.#chosen(site, part.steps, walk)
      return chosen.kind === 'link' ? chosen : undefined
    }
    if (walk.kind !== 'found') {
      this.#missed(site, part.steps, walk, part.start)
      return undefined
    }
    const target = yield* this.#walker.followed(walk.node)
    if (!target) return undefined
    if (scope.isTemplate && this.#isChosenLater(target)) {
      if (!scope.isChoice) return walk.node
      this.#report(node, 'BAD_FORMAT', chosenLater, this.#spanIn(node, part))
      return undefined
    }
    if (target.kind === 'scalar' && scalarText(target, this.#source) !== undefined)
      return scope.isTemplate && !scope.isChoice ? walk.node : target
    this.#report(
      node,
      'BAD_FORMAT',
      notText(`"{${part.path.slice(0, 64)}}"`, target),
      this.#spanIn(node, part),
    )
    return undefined
  }

  #stepsOf({ node }: Site): readonly PathStep[] | undefined {
    const { tag } = node
    if (node.kind !== 'scalar' || node.value === '' || node.value === null) {
      const found = describeNode(node, this.#source)
      this.#report(
        node,
        'BAD_REFERENCE',
        `"${tag}" takes a path, such as "${tag} data.path", but found ${found}`,
      )
      return undefined
    }
    const { steps, mistake } = parsePath(String(node.value))
    if (!mistake) return steps
    this.#report(node, mistake.code, mistake.message, this.#spanIn(node, mistake.span))
    return undefined
  }

  #missed(site: Site, steps: readonly PathStep[], walk: Walk, offset = 0): Node {
    const { node, scope } = site
    // The path might start at a template of a class that is unknown.
    if (walk.kind !== 'miss' || scope.isUncertain) return this.#unknown(node)
    const { start, end } = steps[walk.miss.depth]!
    const span = this.#spanIn(node, { start: start + offset, end: end + offset })
    const { miss } = walk
    const root = this.#resolved.get(scope.top) ?? scope.top
    const explain = (): Explanation => ({
      message: this.#explain(site, steps, walk),
      hint: meantStep(steps, miss, { root, rootName: '', suggester: this.#suggester }),
    })
    return this.#report(node, 'NO_SUCH_PATH', explain, span)
  }

  #explain({ node, scope }: Site, steps: readonly PathStep[], walk: Walk & { kind: 'miss' }): string {
    const { miss } = walk
    const rootName = scope.isTemplate ? 'template' : 'document'
    const owner = miss.depth === 0 ? `The ${rootName}` : quotedPath(steps.slice(0, miss.depth))
    const remedy = `write "!link ${String((node as ScalarNode).value)}"`
    const asLink = node.tag === '!ref' ? remedy : 'a "!link" reads such a value'
    if (miss.node.kind === 'link')
      return `${owner} is a "!link", which is read when objects are constructed: ${asLink}`
    const step = steps[miss.depth]!
    if (node.tag !== '!link' && step.kind === 'key' && this.#isFilledIn(miss.node, step.name))
      return `${owner} has no key ${quotedPath([step])}, but its class fills it in: ${asLink}`
    const top = this.#resolved.get(scope.top) ?? scope.top
    const message = explainMiss(steps, miss, { root: top, rootName, suggester: this.#suggester })
    // The object may have more than what is written.
    if (node.tag === '!ref' && isApplicationTag(miss.node.tag) && !message.endsWith('?'))
      return `${message}; ${remedy} for what its object has`
    const isOutside = scope.isTemplate && nodeAt(this.document.root, steps).miss === undefined
    return isOutside ? `${message} (in a template, a path starts at the top of the template)` : message
  }

  // Whether only the schema or the class of an object knows a key.
  #isFilledIn(node: Node, name: string): boolean {
    const resolved = isApplicationTag(node.tag) ? this.registry.get(node.tag) : undefined
    if (!resolved || (node.kind !== 'mapping' && !isEmpty(node))) return false
    const option = optionName(name, resolved.definition.keys)
    const schema = schemaOf(resolved)
    if (schema && knownKeys(schema).includes(option)) return true
    return !(option in Object.prototype) && option in resolved.Class.prototype
  }

  #checkMerges(): void {
    for (const { entry, written } of this.#found.merges) {
      const sources = mergeSources(entry.value).map(targetOf)
      const isMapping = sources.every((source) => !source || source.kind === 'mapping')
      const node = written.find((each) => this.#resolved.has(each)) ?? entry.value
      if (!isMapping) this.#report(node, 'BAD_MERGE', badMerge)
    }
  }

  #report(
    node: Node,
    code: string,
    explanation: string | (() => Explanation),
    span: Span = contentOf(node),
  ): Node {
    this.list.add(() => {
      const { message, hint } =
        typeof explanation === 'string' ? { message: explanation, hint: undefined } : explanation()
      return sourceOf(node, this.#source).problem(code, message, span, hint)
    })
    return this.#unknown(node)
  }

  #unknown(node: Node): AliasNode {
    return unknownNode({ ...node, start: startOf(node) })
  }

  // A part of the value of a scalar; the whole node where the value is not written as it is.
  #spanIn(node: Node, { start, end }: Span): Span {
    const written = sourceOf(node, this.#source).text.slice(node.start, node.end)
    const value = String((node as ScalarNode).value)
    const shift = written === value ? 0 : written.slice(1, -1) === value ? 1 : -1
    return shift === -1
      ? contentOf(node)
      : { start: node.start + shift + start, end: node.start + shift + end }
  }

  #alias(node: Node, target: Node): AliasNode {
    return { ...aliasAt(startOf(node), node.end, '', target), ...(node.source && { source: node.source }) }
  }

  #linkNode(node: Node, target: Node, rest: readonly (string | number)[]): LinkNode {
    return { kind: 'link', ...placed(node), path: String((node as ScalarNode).value), target, rest }
  }

  #formatNode(node: Node, parts: readonly (string | Node)[]): FormatNode {
    return { kind: 'format', ...placed(node), text: String((node as ScalarNode).value), parts }
  }
}

function namesOf(steps: readonly PathStep[]): (string | number)[] {
  return steps.map((step) => (step.kind === 'key' ? step.name : step.index))
}

function contentOf(node: Node): Span {
  return node.kind === 'scalar' && node.end > node.start ? { start: node.start, end: node.end } : spanOf(node)
}

function placed(node: Node) {
  return { ...noProps, start: startOf(node), end: node.end, ...(node.source && { source: node.source }) }
}

const mostFormatted = 20 * longestFormat
const tooLong = (): string =>
  `The text of "!format" is too long: ${longestFormat.toLocaleString('en')} characters are the most, ${mostFormatted.toLocaleString('en')} in all`
const badMerge = '"<<" takes a mapping, an alias to one, or a sequence of these'
const chosenLater =
  'The values of a placeholder are constructed before others are chosen, so they cannot depend on these: write the value out'
const tooDeep = 'Values are nested too deep through references: write some of them out'

function badDefault(found: Node): string {
  const wanted = 'With "text: true", the default of "!env" is a string, a number or a boolean'
  return `${wanted}, but found ${describeFound(found).replace(/^is /, '')}`
}

function intoTemplate(node: Node): string {
  const path = String((node as ScalarNode).value)
  return `"${path.slice(0, 64)}" is in a template, where nothing is constructed until it is built: write "!ref"`
}

function notOneText(node: Node, source: Source): string {
  const example = 'write a text in quotes, such as "!format \\"runs/{name}\\""'
  return `"!format" takes one text, but found ${describeNode(node, source)}: ${example.replaceAll('\\"', "'")}`
}
