import { MappedRegistrable, Runnable, type RunOptions, registrable } from 'flambeau'
import { z } from 'zod'

/** How a person is spoken to. */
@registrable('!Polite')
export class Polite extends MappedRegistrable.with(z.strictObject({ title: z.string() })) {
  addressOf(name: string): string {
    return `${this.options.title} ${name}`
  }
}

const GreetOptions = z.strictObject({ name: z.string(), manner: z.instanceof(Polite).optional() })

/** Greets a person. */
@registrable('!Greet')
export class Greet extends Runnable.with(GreetOptions) {
  override run({ logger }: RunOptions): string {
    const { name, manner } = this.options
    logger.info('greeting')
    return `Good day, ${manner?.addressOf(name) ?? name}`
  }
}
