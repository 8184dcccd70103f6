// greet.ts
import { Runnable, type RunOptions, registrable } from 'flambeau'
import { z } from 'zod'

@registrable('!Greet')
export class Greet extends Runnable.with(z.strictObject({ name: z.string() })) {
  override run({ logger }: RunOptions): string {
    logger.info(`greeting ${this.options.name}`)
    return `${this.config.get('GREETING', 'WORD', { fallback: 'Hello' })} ${this.options.name}`
  }
}
