import type { ScalarTag } from 'yaml'
import { coreTag } from '../../node.js'

/** A scalar that did not change: written as it stood, `0x1F`, `1e3`, `~`, or nothing at all. */
export class Verbatim {
  /** `propsOnly`: the text is a tag or an anchor with nothing behind it. `asItStood`: it is that of a file. */
  constructor(
    readonly text: string,
    readonly propsOnly = false,
    readonly asItStood = false,
  ) {}

  tagged(tag: string): Verbatim {
    return this.text === '' ? new Verbatim(tag, true) : new Verbatim(`${tag} ${this.text}`)
  }
}

/** Makes the `yaml` package write a {@link Verbatim}. */
export const verbatimTag: ScalarTag = {
  tag: `${coreTag}null`,
  default: true,
  identify: (value) => value instanceof Verbatim,
  resolve: (text) => text,
  // A colon right behind a tag would be read as part of it.
  stringify: ({ value }, { implicitKey }) => {
    const { text, propsOnly } = value as Verbatim
    return propsOnly && implicitKey ? `${text} ` : text
  },
}
