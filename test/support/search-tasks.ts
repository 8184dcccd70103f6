// Runnables for searches: imported by the tests and by the workers that they start.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MappedRegistrable, Runnable, type RunOptions, registrable } from 'flambeau'
import type {
  Point,
  SearchHistory,
  SearchSpace,
  StoppingRule,
  Strategy,
  TaskOptions,
  TrialDecision,
  TrialReport,
} from 'flambeau/pool'
import { z } from 'zod'

const optimizer = z.unknown().optional()

/** Its loss is a bowl, whose minimum is at x = 3, y = -1, or that of its optimizer. */
@registrable('!Bowl')
export class Bowl extends Runnable.with(
  z.strictObject({
    x: z.number().default(0),
    y: z.number().default(0),
    n: z.int().default(0),
    kind: z.enum(['round', 'flat']).default('round'),
    optimizer,
    dropout: z.number().nullable().default(null),
    /** Milliseconds, the more the greater `x` is. */
    ms: z.number().default(0),
    /** A file without which it fails where `x` is above 0. */
    needs: z.string().optional(),
  }),
) {
  override async run({ signal }: RunOptions) {
    const { x, y, n, kind, optimizer, dropout, ms, needs } = this.options
    if (needs !== undefined && x > 0 && !existsSync(needs)) throw new Error('not yet')
    if (ms > 0) await delay(ms * (1 + ((((x * 7919) % 1) + 1) % 1)), undefined, { signal })
    const own = optimizer instanceof Momentum ? (optimizer.options.momentum - 0.9) ** 2 : 0.5
    const loss = (x - 3) ** 2 + (y + 1) ** 2 + n * 0.1 + (kind === 'flat' ? 1 : 0) + own + (dropout ?? 0)
    return { loss, seconds: Math.abs(x), chosen: JSON.stringify(this.options) }
  }
}

@registrable('!Momentum')
export class Momentum extends MappedRegistrable.with(
  z.strictObject({ momentum: z.number(), rate: z.number().default(1) }),
) {}

@registrable('!Plain')
export class Plain extends MappedRegistrable.with(z.strictObject({ rate: z.number().default(1) })) {}

/** Learns for some epochs, and goes on from the last one when it is resumed. */
@registrable('!Learner')
export class Learner extends Runnable.with(
  z.strictObject({
    rate: z.number(),
    epochs: z.int().default(9),
    log: z.string(),
    nan: z.boolean().default(false),
  }),
) {
  override async run({ signal, progress, folder, resume, taskId }: RunOptions & TaskOptions) {
    const { rate, epochs, log, nan } = this.options
    const file = join(folder!, 'epoch.txt')
    const first = resume && existsSync(file) ? Number(readFileSync(file, 'utf8')) + 1 : 1
    let accuracy = 0
    for (let epoch = first; epoch <= epochs; epoch++) {
      accuracy = nan && rate > 2 ? Number.NaN : rate * (1 - 1 / (epoch + 1))
      writeFileSync(log, `${taskId} ${epoch}\n`, { flag: 'a' })
      writeFileSync(file, String(epoch))
      progress?.({ epoch, accuracy })
      await delay(5, undefined, { signal })
    }
    return { accuracy, first }
  }
}

/** Tries the middle of each parameter, then points near the best one. */
@registrable('!NearBest')
export class NearBest
  extends MappedRegistrable.with(z.strictObject({ width: z.number().default(0.1) }))
  implements Strategy
{
  suggest(space: SearchSpace, { trials, random }: SearchHistory): Point | undefined {
    const [best] = trials.filter(({ values }) => values).toSorted((a, b) => a.values![0]! - b.values![0]!)
    if (!best) return space.sample(random)
    const entries = space.parameters.map((parameter) => {
      const value = best.point[parameter.name]!
      if (parameter.kind === 'choice') return [parameter.name, value] as const
      const { low, high } = parameter.domain
      const moved = value + (random() - 0.5) * this.options.width * (high - low)
      return [parameter.name, parameter.domain.nearest(moved)] as const
    })
    return Object.fromEntries(entries)
  }
}

/** Suggests a fixed list of points. */
@registrable('!Fixed')
export class Fixed
  extends MappedRegistrable.with(z.strictObject({ points: z.array(z.record(z.string(), z.number())) }))
  implements Strategy
{
  suggest(_: SearchSpace, { trials }: SearchHistory): Point | undefined {
    return this.options.points[trials.length]
  }
}

/** Stops trials that are below a threshold at some step. */
@registrable('!Threshold')
export class Threshold
  extends MappedRegistrable.with(z.strictObject({ at: z.int(), least: z.number() }))
  implements StoppingRule
{
  start(): void {}
  report({ step, value }: TrialReport): TrialDecision {
    return step >= this.options.at && value < this.options.least ? 'stop' : 'continue'
  }
}

/** Tries the points of a grid in turn, and notes how many trials ran when each was asked for. */
@registrable('!InTurn')
export class InTurn extends MappedRegistrable.with(z.strictObject({})) implements Strategy {
  static readonly running: number[] = []

  suggest(space: SearchSpace, { trials, number }: SearchHistory): Point | undefined {
    // The first one is asked for when the sweep is checked.
    InTurn.running.push(trials.filter(({ state }) => state === 'running').length)
    return space.pointAt(number - 1)
  }
}
