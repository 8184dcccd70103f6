// Without decorators, for tools that do not know them and for those that only strip types.
import { load, Runnable, type RunOptions, registrable } from 'flambeau'
import { z } from 'zod'

class Greet extends Runnable.with(z.strictObject({ name: z.string() })) {
  override run(_: RunOptions): string {
    return `Hello ${this.options.name}`
  }
}
registrable('!Greet')(Greet)

if (load('!Greet { name: Ada }', { expect: Greet }).options.name !== 'Ada') throw new Error('not registered')
console.log('works')
