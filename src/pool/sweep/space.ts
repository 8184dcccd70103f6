import type { NumberDomain } from './number-domain.js'
import type { Random } from './random.js'

/**
 * The values of one trial by the names of its parameters: numbers, and for a choice the index in its {@link ChoiceParameter.choices}.
 * Parameters of branches that were not taken are absent.
 */
export type Point = Readonly<Record<string, number>>

interface ParameterBase {
  /** Its path in the template. A second parameter at the same path, in another branch, has a number after it: `model.units#2`. */
  readonly name: string
  /** The choice that has this parameter; absent for those that every trial has. */
  readonly parent?: { readonly name: string; readonly choice: number } | undefined
}

/** A parameter that is one of several values of any kind. */
export interface ChoiceParameter extends ParameterBase {
  readonly kind: 'choice'
  /** The values as they are in the records of trials: an object as its YAML. */
  readonly choices: readonly unknown[]
  /** For each choice, the parameters that it has itself. */
  readonly branches: readonly (readonly SpaceParameter[])[]
}

/** A parameter that is a number. */
export interface NumberSpaceParameter extends ParameterBase {
  readonly kind: 'number'
  readonly domain: NumberDomain
}

/** A parameter of a {@link SearchSpace}. */
export type SpaceParameter = ChoiceParameter | NumberSpaceParameter

/**
 * The space that a search is in: what varies, and what it may become.
 *
 * ```ts
 * const { parameters } = space
 * const point = space.sample(random)   // { rate: 0.03, optimizer: 1, 'optimizer.momentum': 0.9 }
 * ```
 */
export class SearchSpace {
  /** All parameters; those of a branch after the choice that they belong to. */
  readonly parameters: readonly SpaceParameter[]
  /** How many points there are; `Infinity` when a parameter is any number between two. */
  readonly size: number
  readonly #sizes = new Map<readonly SpaceParameter[], number>()

  /** @internal */
  constructor(
    /** The parameters that every trial has. */
    readonly roots: readonly SpaceParameter[],
  ) {
    this.parameters = [...flatten(roots)]
    this.size = this.#sizeOf(roots)
  }

  /** The point at an index from 0, as a grid counts them: the last parameter changes fastest. */
  pointAt(index: number): Point {
    const point: Record<string, number> = {}
    this.#pick(this.roots, index, point)
    return point
  }

  /** Draws a point: each value of a parameter is as likely as any other. */
  sample(random: Random): Point {
    const point: Record<string, number> = {}
    const draw = (parameters: readonly SpaceParameter[]): void => {
      for (const parameter of parameters) {
        const value =
          parameter.kind === 'number'
            ? parameter.domain.sample(random)
            : Math.floor(random() * parameter.choices.length)
        point[parameter.name] = value
        if (parameter.kind === 'choice') draw(parameter.branches[value]!)
      }
    }
    draw(this.roots)
    return point
  }

  /** Whether a point has a value of its domain for each parameter of the branches that it takes, and no other. */
  has(point: Point): boolean {
    const isActive = new Map<string, boolean>()
    return (
      this.parameters.every((parameter) => {
        const { name, parent } = parameter
        const active =
          parent === undefined || (isActive.get(parent.name)! && point[parent.name] === parent.choice)
        isActive.set(name, active)
        if (!active) return point[name] === undefined
        const value = point[name]
        if (parameter.kind === 'number') return parameter.domain.has(value)
        return Number.isInteger(value) && value! >= 0 && value! < parameter.choices.length
      }) && Object.keys(point).every((name) => isActive.has(name))
    )
  }

  /** @internal The same text for the same point. */
  keyOf(point: Point): string {
    return this.parameters.map(({ name }) => point[name] ?? '').join(' ')
  }

  #sizeOf(parameters: readonly SpaceParameter[]): number {
    const known = this.#sizes.get(parameters)
    if (known !== undefined) return known
    const size = parameters.reduce((product, parameter) => product * this.#countOf(parameter), 1)
    this.#sizes.set(parameters, size)
    return size
  }

  #countOf(parameter: SpaceParameter): number {
    if (parameter.kind === 'number') return parameter.domain.count
    return parameter.branches.reduce((sum, branch) => sum + this.#sizeOf(branch), 0)
  }

  #pick(parameters: readonly SpaceParameter[], index: number, point: Record<string, number>): void {
    let inner = this.#sizeOf(parameters)
    let rest = index
    for (const parameter of parameters) {
      inner /= this.#countOf(parameter)
      const own = Math.floor(rest / inner)
      rest -= own * inner
      if (parameter.kind === 'number') point[parameter.name] = parameter.domain.valueAt(own)
      else this.#pickBranch(parameter, own, point)
    }
  }

  #pickBranch({ name, branches }: ChoiceParameter, index: number, point: Record<string, number>): void {
    let rest = index
    const choice = branches.findIndex((branch) => {
      const size = this.#sizeOf(branch)
      if (rest < size) return true
      rest -= size
      return false
    })
    point[name] = choice
    this.#pick(branches[choice]!, rest, point)
  }
}

function* flatten(parameters: readonly SpaceParameter[]): Generator<SpaceParameter> {
  for (const parameter of parameters) {
    yield parameter
    if (parameter.kind === 'choice') for (const branch of parameter.branches) yield* flatten(branch)
  }
}
