import type { YAMLMap, YAMLSeq } from 'yaml'
import { yaml } from '#yaml'

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
