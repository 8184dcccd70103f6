import type { Random } from './random.js'

/** @internal How a {@link NumberDomain} is written. */
export interface NumberDomainOptions {
  /** The first number; above {@link to} when the numbers descend. */
  readonly from: number
  readonly to: number
  /** The distance of neighbouring numbers; any number between the two when absent. */
  readonly step?: number | undefined
  /** Whether they are drawn on a logarithmic scale. */
  readonly isLog?: boolean
}

/**
 * The numbers that a parameter may become, both ends included.
 *
 * ```ts
 * const { domain } = new Range({ from: 0.1, to: 0.3, step: 0.1 })
 * domain.count           // 3
 * domain.valueAt(2)      // 0.3
 * domain.nearest(0.17)   // 0.2
 * ```
 */
export class NumberDomain {
  /** The smallest number. */
  readonly low: number
  /** The greatest number. */
  readonly high: number
  /** The distance of neighbouring numbers, above 0; absent when any number between the two is possible. */
  readonly step: number | undefined
  readonly isLog: boolean
  /** How many numbers there are; `Infinity` without a step. */
  readonly count: number
  readonly #from: number
  readonly #signedStep: number
  readonly #decimals: number

  /** @internal */
  constructor({ from, to, step, isLog = false }: NumberDomainOptions) {
    this.isLog = isLog
    this.step = step === undefined ? undefined : Math.abs(step)
    this.#from = from
    this.#signedStep = step === undefined ? 0 : from <= to ? Math.abs(step) : -Math.abs(step)
    this.#decimals =
      step === undefined ? decimalsFor(to - from) : Math.max(decimalsOf(from), decimalsOf(step))
    this.count = step === undefined ? Number.POSITIVE_INFINITY : stepsBetween(from, to, step) + 1
    const last = step === undefined ? to : this.valueAt(this.count - 1)
    this.low = Math.min(from, last)
    this.high = Math.max(from, last)
  }

  /** The number at an index from 0, in the order in which they are written; for domains with a step. */
  valueAt(index: number): number {
    return this.#rounded(this.#from + index * this.#signedStep)
  }

  /** The number of the domain that is nearest to `value`. */
  nearest(value: number): number {
    if (this.step !== undefined) {
      const index = Math.round((value - this.#from) / this.#signedStep)
      return this.valueAt(Math.min(Math.max(index, 0), this.count - 1))
    }
    const rounded = this.isLog ? Number(value.toPrecision(6)) : this.#rounded(value)
    return Math.min(Math.max(rounded, this.low), this.high)
  }

  /** Whether a value is one of the numbers. */
  has(value: unknown): value is number {
    if (typeof value !== 'number' || !(value >= this.low && value <= this.high)) return false
    return this.step === undefined || this.nearest(value) === value
  }

  /** Draws a number; each one with a step is as likely as any other, on the scale of the domain. */
  sample(random: Random): number {
    if (!this.isLog && this.step !== undefined) return this.valueAt(Math.floor(random() * this.count))
    const { low, high } = this.bounds
    return this.fromScale(low + (high - low) * random())
  }

  /** @internal The ends on the scale on which numbers are drawn: logarithms, and half a step beyond the ends where there are steps. */
  get bounds(): { readonly low: number; readonly high: number } {
    const half = this.step === undefined ? 0 : this.step / 2
    const [low, high] = [this.low - half, this.high + half]
    return this.isLog ? { low: Math.log(low), high: Math.log(high) } : { low, high }
  }

  /** @internal */
  toScale(value: number): number {
    return this.isLog ? Math.log(value) : value
  }

  /** @internal Half a step below or above a number, on the scale. */
  stepEnd(value: number, direction: -1 | 1): number {
    const end = value + (direction * (this.step ?? 0)) / 2
    return this.isLog ? Math.log(end) : end
  }

  /** @internal */
  fromScale(value: number): number {
    return this.nearest(this.isLog ? Math.exp(value) : value)
  }

  // As a person would write it: 0.3, where 0.1 + 2 * 0.1 is 0.30000000000000004.
  #rounded(value: number): number {
    // Nobody writes -0.
    return (this.#decimals > maxDecimals ? value : Number(value.toFixed(this.#decimals))) + 0
  }
}

const maxDecimals = 100

/** How many steps lead from one number to another one, at most beyond it by what rounding costs. */
export function stepsBetween(from: number, to: number, step: number): number {
  const steps = Math.abs((to - from) / step)
  return Math.floor(steps + 1e-9 * Math.max(1, steps * 1e-3))
}

/** The digits after the point of a number as it is written: 2 for 0.25, 7 for 1e-7. */
function decimalsOf(value: number): number {
  const [, fraction = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? []
  return Math.max(0, fraction.length - Number(exponent))
}

/** So many that a range has a million numbers. */
function decimalsFor(width: number): number {
  return Math.max(0, 6 - Math.floor(Math.log10(Math.abs(width) || 1)))
}
