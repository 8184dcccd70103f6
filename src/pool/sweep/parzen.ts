import type { Random } from './random.js'
import type { Point, SpaceParameter } from './space.js'

/** Settings of a {@link ParzenEstimator}. */
export interface ParzenOptions {
  /** The factor of the bandwidths of numbers. */
  readonly bandwidth: number
  /** The least bandwidth, as a part of the range of a number. */
  readonly minBandwidth: number
}

/**
 * The density of points: a mixture of one kernel around each of them, and of a wide one over the whole space, the prior. Kernels are
 * products over the parameters: a truncated normal distribution for a number, and for a choice most of the mass on its own value.
 */
export class ParzenEstimator {
  readonly #dimensions: readonly Dimension[]
  /** How many kernels there are, all of the same weight; the prior is the last one. */
  readonly #count: number

  constructor(
    readonly parameters: readonly SpaceParameter[],
    points: readonly Point[],
    options: ParzenOptions,
  ) {
    const exponent = -1 / (4 + parameters.length)
    const shrink = Math.max(points.length, 1) ** exponent
    this.#dimensions = parameters.map((parameter) => dimensionOf(parameter, points, { ...options, shrink }))
    this.#count = points.length + 1
  }

  /** Draws a point. */
  sample(random: Random): Point {
    const kernel = Math.floor(random() * this.#count)
    const entries = this.parameters.map(
      ({ name }, index) => [name, this.#dimensions[index]!.sample(kernel, random)] as const,
    )
    return Object.fromEntries(entries)
  }

  /** The logarithm of the density at a point. */
  logDensity(point: Point): number {
    const sums = new Float64Array(this.#count).fill(-Math.log(this.#count))
    for (const [index, { name }] of this.parameters.entries())
      this.#dimensions[index]!.addLogDensities(point[name]!, sums)
    let most = Number.NEGATIVE_INFINITY
    for (let kernel = 0; kernel < sums.length; kernel++) most = Math.max(most, sums[kernel]!)
    let total = 0
    for (let kernel = 0; kernel < sums.length; kernel++) total += Math.exp(sums[kernel]! - most)
    return most + Math.log(total)
  }
}

/** The kernels of one parameter. */
interface Dimension {
  sample(kernel: number, random: Random): number
  /** Adds the logarithm of the density of each kernel at a value. */
  addLogDensities(value: number, sums: Float64Array): void
}

type DimensionOptions = ParzenOptions & { readonly shrink: number }

function dimensionOf(
  parameter: SpaceParameter,
  points: readonly Point[],
  options: DimensionOptions,
): Dimension {
  const values = points.map((point) => point[parameter.name]!)
  return parameter.kind === 'choice'
    ? new ChoiceKernels(values, parameter.choices.length)
    : new NumberKernels(values, parameter, options)
}

class ChoiceKernels implements Dimension {
  readonly #own: number
  readonly #other: number

  constructor(
    readonly values: readonly number[],
    readonly size: number,
  ) {
    // As if each value had been seen once, spread over all kernels.
    const prior = 1 / (values.length + 1)
    this.#own = (1 + prior) / (1 + prior * size)
    this.#other = prior / (1 + prior * size)
  }

  sample(kernel: number, random: Random): number {
    const value = this.values[kernel]
    const drawn = random()
    if (value === undefined || drawn >= this.#own - this.#other) return Math.floor(random() * this.size)
    return value
  }

  addLogDensities(value: number, sums: Float64Array): void {
    const [own, other] = [Math.log(this.#own), Math.log(this.#other)]
    const count = this.values.length
    for (let kernel = 0; kernel < count; kernel++)
      sums[kernel]! += this.values[kernel] === value ? own : other
    sums[count]! -= Math.log(this.size)
  }
}

class NumberKernels implements Dimension {
  readonly #low: number
  readonly #high: number
  readonly #means: Float64Array
  readonly #sigma: number
  readonly #priorSigma: number
  /** The logarithm of the mass of each kernel between the ends. */
  readonly #logMasses: Float64Array

  constructor(
    values: readonly number[],
    readonly parameter: SpaceParameter & { kind: 'number' },
    { bandwidth, minBandwidth, shrink }: DimensionOptions,
  ) {
    const { low, high } = parameter.domain.bounds
    const range = high - low
    this.#low = low
    this.#high = high
    this.#means = Float64Array.from([
      ...values.map((value) => parameter.domain.toScale(value)),
      (low + high) / 2,
    ])
    this.#sigma = Math.max(bandwidth * range * shrink, minBandwidth * range)
    this.#priorSigma = range
    this.#logMasses = this.#means.map((mean, kernel) => {
      const sigma = this.#sigmaOf(kernel)
      return Math.log(massBetween((low - mean) / sigma, (high - mean) / sigma))
    })
  }

  sample(kernel: number, random: Random): number {
    const [mean, sigma] = [this.#means[kernel]!, this.#sigmaOf(kernel)]
    for (let attempt = 0; attempt < 100; attempt++) {
      const value = mean + sigma * normal(random)
      if (value >= this.#low && value <= this.#high) return this.parameter.domain.fromScale(value)
    }
    return this.parameter.domain.fromScale(mean)
  }

  addLogDensities(value: number, sums: Float64Array): void {
    const { domain } = this.parameter
    if (domain.step === undefined) this.#addDensities(domain.toScale(value), sums)
    else this.#addMasses([domain.stepEnd(value, -1), domain.stepEnd(value, 1)], sums)
  }

  // Loops with an index: they run for each candidate, and each trial.
  #addDensities(x: number, sums: Float64Array): void {
    const [means, logMasses] = [this.#means, this.#logMasses]
    for (let kernel = 0; kernel < means.length; kernel++) {
      const sigma = this.#sigmaOf(kernel)
      const distance = (x - means[kernel]!) / sigma
      sums[kernel]! -= 0.5 * distance * distance + Math.log(sigma) + halfLogTwoPi + logMasses[kernel]!
    }
  }

  // Trials share the few values that there are.
  #addMasses([low, high]: readonly [number, number], sums: Float64Array): void {
    const [means, logMasses] = [this.#means, this.#logMasses]
    const known = new Map<number, number>()
    const prior = means.length - 1
    for (let kernel = 0; kernel <= prior; kernel++) {
      const mean = means[kernel]!
      const sigma = this.#sigmaOf(kernel)
      let log = kernel === prior ? undefined : known.get(mean)
      if (log === undefined) {
        log = Math.log(massBetween((low - mean) / sigma, (high - mean) / sigma)) - logMasses[kernel]!
        if (kernel !== prior) known.set(mean, log)
      }
      sums[kernel]! += log
    }
  }

  #sigmaOf(kernel: number): number {
    return kernel === this.#means.length - 1 ? this.#priorSigma : this.#sigma
  }
}
const halfLogTwoPi = Math.log(2 * Math.PI) / 2

/** Draws from the standard normal distribution (Box and Muller, 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** The mass of the standard normal distribution between two numbers, above 0. */
function massBetween(low: number, high: number): number {
  // In the upper tail, differences of numbers near 1 would have no digits left.
  const [a, b] = low > 0 ? [-high, -low] : [low, high]
  return Math.max(cumulative(b) - cumulative(a), Number.MIN_VALUE)
}

/** The cumulative standard normal distribution, with a relative error below 1.2e-7 (Numerical Recipes, section 6.2.2). */
function cumulative(value: number): number {
  const z = Math.abs(value) / Math.SQRT2
  const t = 1 / (1 + z / 2)
  const polynomial = erfcCoefficients.reduceRight((sum, coefficient) => coefficient + t * sum, 0)
  const upper = (t * Math.exp(-z * z + polynomial)) / 2
  return value < 0 ? upper : 1 - upper
}

const erfcCoefficients = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
  -0.82215223, 0.17087277,
]
