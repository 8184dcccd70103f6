/** The words of a command line up to the cursor, as bash splits them. */
export interface BashLine {
  /** The words without quotes; the last one is what is completed. */
  readonly words: readonly string[]
  /** The quote that is open at the cursor. */
  readonly quote: '' | "'" | '"'
  /** The part of the last word that bash keeps: readline replaces what follows the last break or the open quote. */
  readonly kept: string
}

/** Splits a command line as bash does; `breaks` are the characters of `COMP_WORDBREAKS`. */
export function parseBashLine(line: string, breaks: string): BashLine {
  const words: string[] = []
  const state = {
    word: undefined as string | undefined,
    quote: '' as BashLine['quote'],
    broken: '',
    opened: '',
  }
  for (let offset = 0; offset < line.length; ) {
    const { word = '', quote } = state
    const piece = line[offset] === '\\' && quote !== "'" ? line.slice(offset, offset + 2) : line[offset]!
    offset += piece.length
    if (quote === "'" ? piece !== quote : quote !== '' && piece !== quote)
      state.word = word + inQuotes(piece, quote)
    else if (piece === quote) state.quote = ''
    else if (piece === "'" || piece === '"') Object.assign(state, { word, quote: piece, opened: word })
    else if (/^\s$/.test(piece)) {
      if (state.word !== undefined) words.push(word)
      Object.assign(state, { word: undefined, broken: '' })
    } else {
      state.word = word + unescaped(piece)
      if (breaks.includes(piece)) state.broken = state.word
    }
  }
  const { word = '', quote, broken, opened } = state
  return { words: [...words, word], quote, kept: quote === '' ? broken : opened }
}

// Between double quotes, "\" is itself before most characters.
function inQuotes(piece: string, quote: string): string {
  return quote === '"' && /^\\["\\$`!]/.test(piece) ? unescaped(piece) : piece
}

function unescaped(piece: string): string {
  return piece.startsWith('\\') ? piece.slice(1) : piece
}

/** The text that replaces the last word after {@link BashLine.kept}. */
export function quoteForBash(candidate: string, { quote, kept }: BashLine): string {
  const rest = candidate.slice(kept.length)
  if (quote === "'") return rest.replaceAll("'", "'\\''")
  if (quote === '"') return rest.replace(/["\\$`]/g, '\\$&')
  const isHome = kept === '' && /^~[^/]*\//.test(candidate)
  const escaped = rest.replace(/[\s!"#$&'()*;<>?[\\\]^`{|}]/g, '\\$&')
  return !isHome && kept === '' ? escaped.replace(/^~/, '\\~') : escaped
}
