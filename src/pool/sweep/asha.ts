import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { MappedRegistrable } from '../../document/construct/registrable-base.js'
import type { Objective, TrialState } from '../../records/events.js'
import { ownRegistrable as registrable } from '../../registry/own-tags.js'
import type { StandardSchema } from '../../registry/standard-schema.js'
import { firstIndexWhere } from '../../util/binary-search.js'
import type { StoppingRule, TrialDecision, TrialReport } from './stopping-rule.js'

const example = '!Asha { step: epoch, min: 1, max: 81, reduction: 3 }'

const stepCount = () => {
  const message = `must be a number above 0: write "${example}"`
  return v.pipe(v.number(message), v.finite(message), v.minValue(Number.MIN_VALUE, message))
}

const reductionMessage = `must be a whole number from 2: write "${example}"`

const ashaSchema = toStandardJsonSchema(
  v.pipe(
    v.strictObject(
      {
        step: v.optional(v.pipe(v.string(), v.nonEmpty('must be the name of a number, such as "epoch"'))),
        min: v.optional(stepCount()),
        max: stepCount(),
        reduction: v.optional(
          v.pipe(
            v.number(reductionMessage),
            v.safeInteger(reductionMessage),
            v.minValue(2, reductionMessage),
          ),
        ),
      },
      `write "${example}"`,
    ),
    v.forward(
      v.check(
        ({ min = 1, max }: { min?: number | undefined; max: number }) => min < max,
        `must be above "min": write "${example}"`,
      ),
      ['max'],
    ),
  ),
) as StandardSchema<{ step?: string; min?: number; max: number; reduction?: number }>

/**
 * `!Asha { step: epoch, min: 1, max: 81, reduction: 3 }`: asynchronous successive halving (Li and others, "A System for Massively
 * Parallel Hyperparameter Tuning", 2018). Trials are compared at 1, 3, 9 and 27 epochs, the rungs. A trial that reaches a rung is paused,
 * unless it is among the best third of those that have reached it. Whenever a worker is free, the best trial goes on that is paused and
 * has come into the best third since; when there is none, a new trial begins. A trial runs to its own end after the last rung: at least the
 * best one does.
 *
 * A trial that goes on is run again with `resume: true` and the same `folder`, where it finds what it has left there.
 *
 * ```yaml
 * !Sweep
 * each: !Train { rate: !logUniform { low: 0.001, high: 1 }, epochs: 81 }
 * metric: accuracy
 * strategy: tpe
 * earlyStop: !Asha { step: epoch, min: 1, max: 81, reduction: 3 }
 * ```
 */
@registrable('!Asha', {
  description: 'A rule of sweeps that ends trials early: asynchronous successive halving',
})
export class Asha extends MappedRegistrable.with(ashaSchema) implements StoppingRule {
  #rungs: Rung[] = []
  readonly #paused = new Set<string>()
  #isDone = false

  get stepName(): string | undefined {
    return this.options.step
  }

  start({ goal }: Objective): void {
    const { min = 1, max, reduction = 3 } = this.options
    this.#paused.clear()
    this.#isDone = false
    this.#rungs = []
    for (let step = min; step < max; step *= reduction) this.#rungs.push(new Rung(step, reduction, goal))
  }

  report({ trial, step, value }: TrialReport): TrialDecision {
    const reached = this.#rungs.filter((rung) => rung.step <= step)
    const isNew = reached.at(-1)?.has(trial) === false
    // A trial that reports seldom may pass several rungs at once.
    for (const rung of reached) rung.add(trial, value)
    for (const rung of reached.slice(0, -1)) rung.promote(trial)
    if (!isNew) return 'continue'
    return reached.at(-1)!.isPromotable(trial) ? 'continue' : 'pause'
  }

  onTrialEnd(trial: string, state: TrialState): void {
    if (state === 'done') this.#isDone = true
    if (state === 'stopped') this.#paused.add(trial)
    else this.#paused.delete(trial)
  }

  // A sweep that ends must have a trial that was trained to the end: the best one that has come as far as any.
  next(isLast: boolean): string | undefined {
    const count = isLast && !this.#isDone ? 1 : 0
    for (const rung of this.#rungs.toReversed()) {
      const trial = rung.promotable(count).find((each) => this.#paused.has(each))
      if (trial === undefined) continue
      rung.promote(trial)
      this.#paused.delete(trial)
      return trial
    }
    return undefined
  }
}

/** The values of the trials that have reached a step. */
class Rung {
  /** The trials, the best one first. */
  readonly #ranked: { readonly trial: string; readonly loss: number }[] = []
  readonly #trials = new Set<string>()
  /** The trials that have gone on. */
  readonly #promoted = new Set<string>()

  constructor(
    readonly step: number,
    readonly reduction: number,
    readonly goal: Objective['goal'],
  ) {}

  has(trial: string): boolean {
    return this.#trials.has(trial)
  }

  /** Adds the value of a trial; its first one counts. */
  add(trial: string, value: number): void {
    if (this.#trials.has(trial)) return
    this.#trials.add(trial)
    // No number is worse than any number.
    const loss = Number.isNaN(value) ? Number.POSITIVE_INFINITY : this.goal === 'max' ? -value : value
    const worse = firstIndexWhere(this.#ranked.length, (index) => this.#ranked[index]!.loss > loss)
    this.#ranked.splice(worse, 0, { trial, loss })
  }

  promote(trial: string): void {
    this.#promoted.add(trial)
  }

  isPromotable(trial: string): boolean {
    return this.#best(0).some((each) => each.trial === trial)
  }

  /** The trials that may go on and have not, `least` of them at least, the best one first. */
  promotable(least: number): string[] {
    return this.#best(least)
      .map(({ trial }) => trial)
      .filter((trial) => !this.#promoted.has(trial))
  }

  #best(least: number) {
    const count = Math.max(Math.floor(this.#ranked.length / this.reduction), least)
    return this.#ranked.slice(0, count).filter(({ loss }) => loss < Number.POSITIVE_INFINITY)
  }
}
