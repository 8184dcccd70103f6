import { registrable } from 'flambeau'

export class Offset {
  constructor(options) {
    this.options = options
  }
}
registrable('!Offset')(Offset)
