// A runnable for sweeps: imported by the tests and by the workers that they start.
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { MappedRegistrable, Runnable, type RunOptions, registrable } from 'flambeau'
import type { TaskOptions } from 'flambeau/pool'
import { z } from 'zod'

@registrable('!Adam')
export class Adam extends MappedRegistrable.with(z.strictObject({ rate: z.number() })) {}

const FitOptions = z.strictObject({
  rate: z.number().default(1),
  layers: z.int().default(1),
  optimizer: z.instanceof(Adam).optional(),
  fails: z.boolean().default(false),
  steps: z.int().default(0),
  ms: z.int().default(0),
  /** A file that trials with a rate above 1 wait for. */
  until: z.string().optional(),
  /** What it returns as its score, in place of the one that is known beforehand. */
  returns: z.unknown().optional(),
})

const odd: Record<string, unknown> = { nan: Number.NaN, infinite: Number.POSITIVE_INFINITY }

/** Its score is known beforehand: the rate times the layers. */
@registrable('!Fit')
export class Fit extends Runnable.with(FitOptions) {
  override async run({ signal, progress }: RunOptions & TaskOptions) {
    const { rate, layers, optimizer, fails, steps, ms, until } = this.options
    if (fails) throw new Error('it does not converge')
    const score = (optimizer?.options.rate ?? rate) * layers
    for (let step = 0; step < steps; step++) {
      progress?.({ score })
      await delay(20, undefined, { signal })
    }
    while (until && rate > 1 && !existsSync(until)) await delay(20, undefined, { signal })
    await delay(ms, undefined, { signal })
    const { returns } = this.options
    if (returns === 'missing') return { other: 1 }
    if (returns === 'long') return { score: 1, text: 'x'.repeat(60_000) }
    if (returns !== undefined) return { score: odd[String(returns)] ?? returns }
    return { score, nested: { loss: -score } }
  }
}

/** Succeeds as soon as there is a file. */
@registrable('!Once')
export class Once extends Runnable.with(z.strictObject({ marker: z.string(), n: z.number() })) {
  override run() {
    if (!existsSync(this.options.marker)) throw new Error('not yet')
    return { score: this.options.n }
  }
}

/** One of very many. */
@registrable('!Huge')
export class Huge extends Runnable.with(z.strictObject({ a: z.int(), b: z.int(), c: z.int() })) {
  override async run({ signal }: RunOptions) {
    await delay(20, undefined, { signal })
    return { score: this.options.c }
  }
}
