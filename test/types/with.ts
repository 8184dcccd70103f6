/** Compiled with the tests and never run: what must not compile is held by `@ts-expect-error`, the rest must. */
import { ClusterRunnable, MappedRegistrable, Runnable, type RunOptions, registrable } from 'flambeau'
import * as v from 'valibot'
import { z } from 'zod'

const TrainOptions = z.object({ data: z.string(), rate: z.number().default(0.1) })

@registrable('!Train')
class Train extends Runnable.with(TrainOptions) {
  override run({ signal, logger }: RunOptions): number {
    const data: string = this.options.data
    const rate: number = this.options.rate
    // @ts-expect-error the schema has no such option
    logger.info(this.options.missing)
    // @ts-expect-error the schema makes a number
    const text: string = this.options.rate
    signal.throwIfAborted()
    return data.length * rate + text.length
  }
}

// The constructor takes what the schema takes.

new Train({ data: 'a' })
new Train({ data: 'a', rate: 1 })
// @ts-expect-error "data" is missing
new Train({})
// @ts-expect-error "data" is missing
new Train()
// @ts-expect-error "rate" is a number
new Train({ data: 'a', rate: 'fast' })
// @ts-expect-error there is no such option
new Train({ data: 'a', more: 1 })
// @ts-expect-error `options` cannot be replaced
new Train({ data: 'a' }).options = { data: 'b', rate: 1 }
export const rate: number = new Train({ data: 'a' }).options.rate

class AllOptional extends MappedRegistrable.with(z.object({ a: z.number().default(1) })) {}
new AllOptional()
new AllOptional({})
export const a: number = new AllOptional().options.a

class Transformed extends MappedRegistrable.with(
  z.object({ word: z.string().transform((word) => word.length) }),
) {}
export const length: number = new Transformed({ word: 'four' }).options.word
// @ts-expect-error the input is a text
new Transformed({ word: 4 })

class Valibot extends MappedRegistrable.with(
  v.object({ data: v.string(), rate: v.optional(v.number(), 0.1) }),
) {}
export const valibotRate: number = new Valibot({ data: 'a' }).options.rate
// @ts-expect-error "data" is missing
new Valibot({ rate: 1 })

// @ts-expect-error that is no schema
MappedRegistrable.with({ data: 'string' })

// A class with a schema can be registered whatever the schema makes of its input.
registrable('!Transformed')(Transformed)
registrable('!Valibot')(Valibot)

// What is abstract stays so.

abstract class Optimizer extends MappedRegistrable {
  abstract step(): number
}
class Descent extends Optimizer.with(z.object({ rate: z.number() })) {
  override step() {
    return this.options.rate
  }
}
export const optimizer: Optimizer = new Descent({ rate: 1 })
// @ts-expect-error "step" is missing
export class Lazy extends Optimizer.with(z.object({ rate: z.number() })) {}
// @ts-expect-error "run" is missing
export class Idle extends Runnable.with(TrainOptions) {}
// @ts-expect-error an abstract class
;new (MappedRegistrable.with(TrainOptions))({ data: 'a' })

export class Remote extends ClusterRunnable.with(TrainOptions) {
  override setup() {}
  override run() {
    const user: string | undefined = this.env?.user
    return [user, this.options.rate]
  }
}

// A constructor of one's own hands the input on.

export class Logged extends Descent {
  constructor(options: z.input<(typeof Descent)['schema']>) {
    super(options)
  }
}
