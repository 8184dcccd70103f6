/** The no-op that pools are timed with: a task for flambeau, and a function for piscina. */
import { setTimeout as delay } from 'node:timers/promises'
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

/** Tells where it runs, and takes a while. */
export class Pid extends Runnable {
  async run({ progress }) {
    progress?.({ pid: process.pid, ppid: process.ppid })
    await delay(1000)
  }
}
registrable('!Pid')(Pid)

export default ({ value }) => value
