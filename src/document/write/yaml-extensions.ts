import type { ScalarTag, YAMLMap, YAMLSeq } from 'yaml'
import { yaml } from '#yaml'
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

type Stringify = YAMLMap['toString']

/** What the comment of one line becomes when a block takes its place: it stands on the line that the block begins with. */
interface LineComment {
  lineComment?: string
}

/** Collections that know their own padding: the package has one answer for a whole text, a file may have both. */
interface PaddedCollections {
  /** `{ a: 1 }` or `{a: 1}`. */
  readonly PaddedMap: new (
    padding: string | undefined,
  ) => YAMLMap & LineComment
  /** `[ 1, 2 ]` or `[1, 2]`. */
  readonly PaddedSeq: new (
    padding: string | undefined,
  ) => YAMLSeq & LineComment
}

let made: PaddedCollections | undefined

/** The classes, made when they are first needed: what they extend is loaded then. */
export function paddedCollections(): PaddedCollections {
  made ??= make()
  return made
}

function make(): PaddedCollections {
  const { YAMLMap, YAMLSeq } = yaml()
  class PaddedMap extends YAMLMap {
    lineComment?: string
    constructor(readonly padding: string | undefined) {
      super()
    }

    override toString(...[context, ...rest]: Parameters<Stringify>): string {
      return super.toString(padded(context, this.padding), ...rest)
    }
  }
  class PaddedSeq extends YAMLSeq {
    lineComment?: string
    constructor(readonly padding: string | undefined) {
      super()
    }

    override toString(...[context, ...rest]: Parameters<Stringify>): string {
      return super.toString(padded(context, this.padding), ...rest)
    }
  }
  return { PaddedMap, PaddedSeq }
}

function padded<C>(context: C, padding: string | undefined): C {
  return context && padding !== undefined ? { ...context, flowCollectionPadding: padding } : context
}
