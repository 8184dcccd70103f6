/** The no-op that pools are timed with: a task for flambeau, and a function for piscina. */
import { Runnable, registrable } from 'flambeau'

export class Noop extends Runnable {
  constructor(options = {}) {
    super(options)
    this.options = options
  }
  run() {
    return this.options.value
  }
}
registrable('!Noop')(Noop)

export default ({ value }) => value
