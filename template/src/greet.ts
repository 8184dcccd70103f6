import { Runnable, type RunOptions, registrable } from 'flambeau'
import { z } from 'zod' // or valibot, arktype, ...: any Standard Schema

@registrable('!Polite')
export class Polite {
  constructor(readonly options: { title?: string } = {}) {}
  greet(name: string) {
    return `Good day, ${this.options.title ?? 'dear'} ${name}`
  }
}

const GreetOptions = z.strictObject({ name: z.string(), manner: z.instanceof(Polite) })

@registrable('!Greet')
export class Greet extends Runnable.with(GreetOptions) {
  override run({ logger }: RunOptions) {
    logger.info('greeting')
    return this.options.manner.greet(this.options.name)
  }
}
