import type { CodeAction, TextEdit } from 'vscode-languageserver/node'
import type { Span } from '../source.js'
import type { ShownProblem } from './diagnostics.js'
import type { OutlineNode } from './outline.js'
import { writtenAt } from './positions.js'
import { keyOf } from './tag-knowledge.js'
import type { OpenFile } from './workspace.js'

const quickFix = 'quickfix'

/** The changes that the hints of problems propose. */
export function quickFixesFor(problems: readonly ShownProblem[], file: OpenFile): CodeAction[] {
  return problems.flatMap((shown): CodeAction[] => {
    const edit = editOf(shown, file)
    if (!edit) return []
    const action: CodeAction = {
      title: `Replace with "${edit.newText}"`,
      kind: quickFix,
      diagnostics: [shown.diagnostic],
      isPreferred: true,
      edit: { changes: { [file.document.uri]: [edit] } },
    }
    return [action]
  })
}

// A hint is what was probably meant in place of what the problem points at.
function editOf({ problem, diagnostic }: ShownProblem, file: OpenFile): TextEdit | undefined {
  const { hint, code } = problem
  if (hint === undefined || problem.file !== file.path) return undefined
  const { document, outline } = file
  const { text } = outline
  const start = document.offsetAt(diagnostic.range.start)
  const end = document.offsetAt(diagnostic.range.end)
  const written = text.slice(start, end)
  // A problem of a whole collection points at more than one word.
  if (written === '' || written.includes('\n')) return undefined
  // The key becomes a tag: its colon goes.
  const [colon = ''] = code === 'KEY_IS_TAG' ? /^\s*:/.exec(text.slice(end, end + 20))! : []
  if (!written.startsWith('!') || hint.startsWith('!')) {
    const span = withoutQuotes({ start, end: end + colon.length }, text)
    const newText = code === 'UNKNOWN_OPTION' ? keyOf(hint) : hint
    // In quotes, and in a key that is more than a word, other rules hold.
    const isWord = /^[^\s\\;]+(?: [^\s\\;]+)*$/.test(written) && (span.start === start || newText === hint)
    return isWord ? { range: file.rangeOf(span), newText } : undefined
  }
  // What points at the tag of a scalar, such as "!include", is about its text.
  const tagged = writtenAt(outline, start)
  const content = tagged?.kind === 'tag' ? contentSpan(tagged.node) : undefined
  return content && { range: file.rangeOf(withoutQuotes(content, text)), newText: hint }
}

function contentSpan({ kind, content }: OutlineNode): Span | undefined {
  return kind === 'scalar' ? content : undefined
}

function withoutQuotes({ start, end }: Span, text: string): Span {
  const first = text[start]
  const isQuoted = (first === '"' || first === "'") && end - start > 1 && text[end - 1] === first
  return isQuoted ? { start: start + 1, end: end - 1 } : { start, end }
}
