// A runnable for sweeps: imported by the tests and by the workers that they start.
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
})

/** Its score is known beforehand: the rate times the layers. */
@registrable('!Fit')
export class Fit extends Runnable.with(FitOptions) {
  override async run({ signal, progress }: RunOptions & TaskOptions) {
    const { rate, layers, optimizer, fails, steps, ms } = this.options
    if (fails) throw new Error('it does not converge')
    const score = (optimizer?.options.rate ?? rate) * layers
    for (let step = 0; step < steps; step++) {
      progress?.({ score })
      await delay(20, undefined, { signal })
    }
    await delay(ms, undefined, { signal })
    return { score, nested: { loss: -score } }
  }
}
