// A runnable for sweeps: imported by the tests and by the workers that they start.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

/** Returns its seed, after it has failed in its first attempts. */
@registrable('!Seeded')
export class Seeded extends Runnable.with(z.strictObject({ n: z.number(), failures: z.int().default(0) })) {
  override run({ seed, attempt = 1 }: RunOptions & TaskOptions) {
    if (attempt <= this.options.failures) throw new Error(`seed ${seed}`)
    return { score: this.options.n, seed }
  }
}

/** Prints what it is about to do, and ends its worker. */
@registrable('!Dies')
export class Dies extends Runnable.with(
  z.strictObject({
    of: z.enum(['segfault', 'exit', 'heap', 'error', 'nothing']),
    by: z.enum(['itself', 'a program']).default('itself'),
  }),
) {
  override run() {
    const { of: cause, by } = this.options
    for (let line = 1; line <= 500; line++) console.log(`line ${line} before ${cause}`)
    if (by === 'itself') console.error('the key is open sesame')
    else spawnSync('echo', ['the key is open sesame'], { stdio: 'inherit' })
    if (cause === 'nothing') return { score: 1 }
    if (cause === 'segfault') process.kill(process.pid, 'SIGSEGV')
    if (cause === 'exit') process.exit(7)
    if (cause === 'error') throw new Error('it does not converge')
    const kept: number[][] = []
    for (;;) kept.push(new Array(100_000).fill(kept.length))
  }
}

/** Prints so many megabytes. */
@registrable('!Floods')
export class Floods extends Runnable.with(z.strictObject({ megabytes: z.int() })) {
  override run() {
    const line = `${'x'.repeat(999)}\n`
    for (let kilobyte = 0; kilobyte < this.options.megabytes * 1000; kilobyte++) process.stdout.write(line)
    return { score: 1 }
  }
}

/** Counts its attempts in its folder, and ends as it is told before the last one. */
@registrable('!Counts')
export class Counts extends Runnable.with(
  z.strictObject({
    ends: z.enum(['throws', 'dies', 'hangs']),
    attempts: z.int().default(2),
    n: z.number().default(1),
    marker: z.string().optional(),
  }),
) {
  override async run({ folder = '', attempt, logger, signal }: RunOptions & TaskOptions) {
    const { ends, attempts, n, marker } = this.options
    const file = join(folder, 'count.txt')
    const count = existsSync(file) ? Number(readFileSync(file, 'utf8')) + 1 : 1
    writeFileSync(file, String(count))
    console.log(`this is the start number ${count}`)
    logger.info(`logged in start number ${count}`)
    if (marker !== undefined) while (!existsSync(marker)) await delay(20, undefined, { signal })
    if (count >= attempts) return { score: n, count, attempt }
    if (ends === 'throws') throw new Error(`the count is ${count}`)
    if (ends === 'dies') process.kill(process.pid, 'SIGKILL')
    await delay(60_000, undefined, { signal })
    return { score: 0 }
  }
}

/** Returns what was trained in its folder, by the trial that made it. */
@registrable('!Whose')
export class Whose extends Runnable.with(
  z.strictObject({
    rate: z.number(),
    /** It fails while this file is missing. */
    until: z.string().optional(),
    /** The rates that fail. */
    fails: z.array(z.number()).default([]),
  }),
) {
  override run({ folder = '' }: RunOptions & TaskOptions) {
    const { rate, until, fails } = this.options
    const file = join(folder, 'model.json')
    const found = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { score: rate, starts: 0 }
    const model = { ...found, starts: found.starts + 1 }
    writeFileSync(file, JSON.stringify(model))
    if (fails.includes(rate) || (until !== undefined && !existsSync(until))) throw new Error('not yet')
    return model
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
