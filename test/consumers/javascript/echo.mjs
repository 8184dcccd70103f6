import { Runnable, registrable } from 'flambeau'

export class Echo extends Runnable {
  constructor(options) {
    super(options)
    this.value = options.value
  }

  run() {
    return this.value
  }
}
registrable('!Echo')(Echo)
