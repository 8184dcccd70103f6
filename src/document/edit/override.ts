import type { Problem } from '../../errors.js'
import type { Node } from '../../node.js'
import { Source, type Span } from '../../source.js'
import type { PathStep } from '../path.js'

/**
 * Changes to a document before anything in it is constructed: texts as on the command line, or values by path.
 *
 * ```ts
 * load(text, { set: ['optimizer.rate=0.01', 'callbacks+=!Csv {}', '~cache'] })
 * load(text, { set: { 'optimizer.rate': 0.01, 'callbacks+': new Csv(), '~cache': null } })
 * ```
 *
 * `PATH=VALUE` replaces or adds, `PATH+=VALUE` appends an item to a sequence, and `~PATH` removes; VALUE is YAML. The values of
 * a record are plain data or objects of registered classes. They are applied in order.
 */
export type Overrides = readonly string[] | Readonly<Record<string, unknown>>

/** One change to a document. */
export interface Override {
  readonly operation: 'set' | 'append' | 'remove'
  /** Where; the spans of the steps are parts of `source`. */
  readonly steps: readonly PathStep[]
  /** The value, whose nodes have a `source`; `undefined` when it removes. */
  readonly value: Node | undefined
  /** The text of the override, as messages show it. */
  readonly source: Source
  /** The whole override in `source`. */
  readonly span: Span
}

/** The value of an override: problems in it point into the whole text of the override, which starts before it. */
export class ValueSource extends Source {
  constructor(
    readonly whole: Source,
    readonly offset: number,
  ) {
    super(whole.text.slice(offset), whole.filename)
  }

  override position(offset: number): { line: number; column: number } {
    return this.whole.position(offset + this.offset)
  }

  override problem(code: string, message: string, span: Span, hint?: string): Problem {
    return this.whole.problem(code, message, this.#inWhole(span), hint)
  }

  override frame(span: Span): string {
    return this.whole.frame(this.#inWhole(span))
  }

  #inWhole({ start, end }: Span): Span {
    return { start: start + this.offset, end: end + this.offset }
  }
}
