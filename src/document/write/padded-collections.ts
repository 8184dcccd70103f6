import { YAMLMap, YAMLSeq } from 'yaml'

type Stringify = YAMLMap['toString']

/** `{ a: 1 }` or `{a: 1}`: the package has one answer for a whole text, a file may have both. */
export class PaddedMap extends YAMLMap {
  constructor(readonly padding: string | undefined) {
    super()
  }

  override toString(...[context, ...rest]: Parameters<Stringify>): string {
    return super.toString(padded(context, this.padding), ...rest)
  }
}

/** `[ 1, 2 ]` or `[1, 2]`. */
export class PaddedSeq extends YAMLSeq {
  constructor(readonly padding: string | undefined) {
    super()
  }

  override toString(...[context, ...rest]: Parameters<Stringify>): string {
    return super.toString(padded(context, this.padding), ...rest)
  }
}

function padded<C>(context: C, padding: string | undefined): C {
  return context && padding !== undefined ? { ...context, flowCollectionPadding: padding } : context
}
