import type { ScalarTag, YAMLMap, YAMLSeq } from 'yaml'
import { yaml } from '#yaml'
import { coreTag } from '../../node.js'

/** The text of an unchanged scalar, which is written as it was: `0x1F`, `1e3`, `~`, or nothing. */
export class Verbatim {
  /** `propsOnly`: the text is a tag or an anchor without a value. `asItStood`: it comes from a file. */
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
  // A colon right after a tag would be read as part of it.
  stringify: ({ value }, { implicitKey }) => {
    const { text, propsOnly } = value as Verbatim
    return propsOnly && implicitKey ? `${text} ` : text
  },
}

type Stringify = YAMLMap['toString']

/** A one-line comment of a value that a block replaces: it goes on the line where the block starts. */
interface LineComment {
  lineComment?: string
}

/** Collections with their own padding: the package has one setting for a whole text, but a file may use both. */
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

/** Creates the classes on first use, since the classes that they extend are loaded lazily. */
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
