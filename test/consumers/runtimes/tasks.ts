import { Runnable, type RunOptions, registrable } from 'flambeau'
import { z } from 'zod'

const schema = z.object({ n: z.number(), offset: z.any().optional() })

/** The kind of decorators that the runtime applies. */
export let decorators: string | undefined

function probe(_Class: unknown, context?: unknown): void {
  decorators = context === undefined ? 'legacy' : 'standard'
}

@probe
@registrable('!Square')
export class Square extends Runnable.with(schema) {
  override run({ logger }: RunOptions): { score: number } {
    const { n, offset } = this.options
    logger.debug('squares')
    if (this.config.has('AWS')) console.log(`key ${this.config.get('AWS', 'KEY')}`)
    console.log(`of ${n}`)
    if (n === 13) process.exit(7)
    if (n < 0) throw new Error('is negative')
    return { score: n ** 2 + (offset?.options.by ?? 0) }
  }
}
