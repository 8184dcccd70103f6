import type { CST, Parser } from 'yaml'
import { yaml } from '#yaml'

/** The state that the parser of the package keeps between tokens: private in its types, but shared with subclasses. */
interface ParserState {
  atScalar: boolean
  atNewLine: boolean
  indent: number
  offset: number
  source: string
  type: string
  step(): Generator<CST.Token, void>
}

const indicators = new Set<string | null>(['explicit-key-ind', 'map-value-ind', 'seq-item-ind'])
const ends = new Set<string | null>([null, 'doc-mode', 'flow-error-end'])

let Made: (new () => Parser) | undefined

/**
 * The parser of the package reads `process.env` at every token to see whether to log it, which takes a fifth of its time. This
 * subclass handles the common tokens itself, and passes on the others.
 */
export function tokenParser(): Parser {
  Made ??= make()
  return new Made()
}

function make(): new () => Parser {
  const { CST, Parser } = yaml()
  return class TokenParser extends Parser {
    override *next(source: string): Generator<CST.Token, void> {
      const state = this as unknown as ParserState
      const type = state.atScalar ? 'scalar' : CST.tokenType(source)
      if (ends.has(type)) return yield* super.next(source)
      if (!begin(state, source, type!)) return
      yield* state.step()
      finish(state, source, type!)
    }
  }
}

/** Whether the token needs a step: the marker of a scalar only announces that its text is the next token. */
function begin(state: ParserState, source: string, type: string): boolean {
  state.source = source
  state.type = type
  state.atScalar = type === 'scalar' && !state.atScalar
  if (state.atScalar) state.atNewLine = false
  return !state.atScalar
}

function finish(state: ParserState, source: string, type: string): void {
  state.offset += source.length
  if (type === 'newline') {
    state.atNewLine = true
    state.indent = 0
  } else if (indicators.has(type) || type === 'space') {
    if (state.atNewLine && !source.startsWith('\t')) state.indent += source.length
  } else if (type !== 'scalar') state.atNewLine = false
}
