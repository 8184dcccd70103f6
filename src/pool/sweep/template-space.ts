import type { PlaceholderSite, Template } from '../../document/construct/template.js'
import { targetOf } from '../../document/nodes.js'
import { dump } from '../../document/write/dump.js'
import { isApplicationTag, type Node, valueNode } from '../../node.js'
import { toJson } from '../../util/json.js'
import type { AnyTask } from '../options.js'
import type { NumberDomain } from './number-domain.js'
import { isChoice, type NumberParameter, numbersIn, Parameter } from './parameters.js'
import {
  type ChoiceParameter,
  type NumberSpaceParameter,
  type Point,
  SearchSpace,
  type SpaceParameter,
} from './space.js'

/** The chosen values of a trial by path: an object as its YAML. */
export type TrialOptions = Readonly<Record<string, unknown>>

/** One value that a placeholder may become. */
interface Value {
  /** The node in place of the placeholder. */
  readonly node: Node
  /** The value in the record of a trial. */
  readonly label: unknown
  readonly nested: readonly PlaceholderSite[]
}

/** What a parameter of the space stands for in the template. */
interface Binding {
  readonly parameter: SpaceParameter
  readonly sites: readonly PlaceholderSite[]
  /** For each choice, the value at each site; of numbers that are no choices, there are none. */
  readonly choices: readonly (readonly Value[])[]
}

/** The space of the placeholders in a template. */
export class TemplateSpace {
  readonly space: SearchSpace
  readonly #bindings = new Map<string, Binding>()

  constructor(
    readonly template: Template<AnyTask>,
    /** The paths of placeholders that are chosen together. */
    private readonly together: readonly (readonly string[])[] = [],
  ) {
    this.space = new SearchSpace(this.#parameters(template.placeholderSites(Parameter)))
  }

  /** The chosen values of a point by path. */
  describe(point: Point): TrialOptions {
    const options: Record<string, unknown> = {}
    for (const [binding, value] of this.#active(point))
      for (const [index, { path }] of binding.sites.entries())
        options[path] = binding.parameter.kind === 'number' ? value : binding.choices[value]![index]!.label
    return options
  }

  /** The point with these chosen values; `undefined` when it is not in the space. */
  pointOf(options: TrialOptions): Point | undefined {
    return this.#match(this.space.roots, options)
  }

  /** Constructs the runnable of a point. */
  build(point: Point): Promise<AnyTask> {
    const picks = new Map<Node, Node>()
    for (const [{ sites, parameter, choices }, value] of this.#active(point))
      for (const [index, { node }] of sites.entries())
        picks.set(node, parameter.kind === 'number' ? valueNode(value) : choices[value]![index]!.node)
    return this.template.buildPicked(picks)
  }

  *#active(point: Point): Generator<[binding: Binding, value: number]> {
    for (const { name } of this.space.parameters) {
      const value = point[name]
      if (value !== undefined) yield [this.#bindings.get(name)!, value]
    }
  }

  /** The values of some parameters, and of those in the branches that they take. */
  #match(parameters: readonly SpaceParameter[], options: TrialOptions): Point | undefined {
    const found: Record<string, number> = {}
    for (const parameter of parameters) {
      const own =
        parameter.kind === 'number'
          ? this.#matchNumber(parameter, options)
          : this.#matchChoice(parameter, options)
      if (!own) return undefined
      Object.assign(found, own)
    }
    return found
  }

  #matchNumber({ name, domain }: NumberSpaceParameter, options: TrialOptions): Point | undefined {
    const value = options[this.#bindings.get(name)!.sites[0]!.path]
    return domain.has(value) ? { [name]: value } : undefined
  }

  // A placeholder that is a value itself has the path of the choice, and its value is the one in the record.
  #matchChoice({ name, branches }: ChoiceParameter, options: TrialOptions): Point | undefined {
    const { sites, choices } = this.#bindings.get(name)!
    for (const [choice, values] of choices.entries()) {
      const isSame = sites.every(({ path }, index) => {
        const { label, nested } = values[index]!
        return nested.some((site) => site.path === path) || toJson(options[path]) === toJson(label)
      })
      const inner = isSame ? this.#match(branches[choice]!, options) : undefined
      if (inner) return { [name]: choice, ...inner }
    }
    return undefined
  }

  #parameters(sites: readonly PlaceholderSite[], parent?: SpaceParameter['parent']): SpaceParameter[] {
    const parameters: SpaceParameter[] = []
    const grouped = new Set<PlaceholderSite>()
    for (const site of sites) {
      if (grouped.has(site)) continue
      const paths = this.together.find((group) => group.includes(site.path)) ?? [site.path]
      const group = paths.flatMap((path) => sites.find((other) => other.path === path) ?? [])
      for (const other of group) grouped.add(other)
      parameters.push(this.#parameter(group.length > 1 ? group : [site], parent))
    }
    return parameters
  }

  #parameter(sites: readonly PlaceholderSite[], parent: SpaceParameter['parent']): SpaceParameter {
    const [site] = sites as [PlaceholderSite]
    const name = this.#freeName(site.path)
    const domain = sites.length === 1 ? this.#domainOf(site) : undefined
    if (domain) {
      const parameter = { kind: 'number', name, parent, domain } as const
      this.#bindings.set(name, { parameter, sites, choices: [] })
      return parameter
    }
    const columns = sites.map((each) => this.#valuesOf(each))
    const choices = distinctRows(columns[0]!.map((_, row) => columns.map((column) => column[row]!)))
    const branches: SpaceParameter[][] = []
    const labels = choices.map((values) =>
      values.length === 1 ? values[0]!.label : values.map(({ label }) => label),
    )
    const parameter: ChoiceParameter = { kind: 'choice', name, parent, choices: labels, branches }
    // Before its branches, which may have a parameter at the same path.
    this.#bindings.set(name, { parameter, sites, choices })
    for (const [choice, values] of choices.entries()) {
      const nested = values.flatMap((value) => value.nested)
      branches.push(this.#parameters(nested, { name, choice }))
    }
    return parameter
  }

  #domainOf(site: PlaceholderSite): NumberDomain | undefined {
    if (isChoice(site.Class)) return undefined
    return numbersIn(site.Class, site.node) ?? (this.template.placeholderAt(site) as NumberParameter).domain
  }

  #valuesOf(site: PlaceholderSite): Value[] {
    const domain = this.#domainOf(site)
    if (domain)
      return Array.from({ length: domain.count }, (_, index) => {
        const value = domain.valueAt(index)
        return { node: valueNode(value), label: value, nested: [] }
      })
    const { candidates, nested } = site
    const tags = candidates.map((node) => targetOf(node)?.tag)
    return candidates.map((node, index) => {
      const own = nested[index]!
      const tag = tags[index]
      // The text would have the placeholders in it.
      const isNamed = own.length > 0 && tag !== undefined && tags.indexOf(tag) === tags.lastIndexOf(tag)
      return { node, label: isNamed ? tag : this.#label(node), nested: own }
    })
  }

  #label(written: Node): unknown {
    const node = targetOf(written) ?? written
    const isPlain = node.kind === 'scalar' && !isApplicationTag(node.tag)
    if (isPlain && (typeof node.value !== 'object' || node.value === null)) return node.value
    const text = dump(this.template.part(node), { registry: this.template.context.registry, resolved: true })
    return text.trim().replace(/\s*\n\s*/g, ' ')
  }

  #freeName(path: string): string {
    if (!this.#bindings.has(path)) return path
    let number = 2
    while (this.#bindings.has(`${path}#${number}`)) number++
    return `${path}#${number}`
  }
}

/** The rows without those that repeat the values of an earlier one: the same options are one trial. */
function distinctRows(rows: readonly (readonly Value[])[]): (readonly Value[])[] {
  const seen = new Map(rows.toReversed().map((row) => [keyOf(row), row]))
  return rows.filter((row) => seen.get(keyOf(row)) === row)
}

function keyOf(row: readonly Value[]): string {
  return JSON.stringify(
    row.map(({ label, nested, node }) => [typeof label, label, nested.length > 0 ? node.start : 0]),
  )
}
