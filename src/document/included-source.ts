import type { Problem, RelatedPosition } from '../errors.js'
import type { Node } from '../node.js'
import { Source, type Span } from '../source.js'
import { includedAt, spanOf } from './problems.js'

/** Where a file is included: the node, and the text that it is in. */
export interface IncludeSite {
  readonly source: Source
  readonly node: Node
}

/** The text of an included file: its problems say where it is included, from the innermost include to the top file. */
export class IncludedSource extends Source {
  constructor(
    text: string,
    filename: string,
    readonly site: IncludeSite,
  ) {
    super(text, filename)
  }

  override problem(code: string, message: string, span: Span, hint?: string): Problem {
    return withSite(super.problem(code, message, span, hint), this.site)
  }
}

/** A problem of an included file, with the positions at which the file is included. */
export function withSite(problem: Problem, { source, node }: IncludeSite): Problem {
  return { ...problem, related: [...(problem.related ?? []), ...positionsOf(source, node)] }
}

// A loop: a chain of files may be long.
function positionsOf(source: Source, node: Node): RelatedPosition[] {
  const positions: RelatedPosition[] = []
  let [text, span]: [Source, Span] = [source, spanOf(node)]
  for (;;) {
    const own = text instanceof IncludedSource ? new Source(text.text, text.filename) : text
    const { file, line, column, related = [] } = own.problem('', '', span)
    positions.push({ message: includedAt, file, line, column }, ...related)
    if (!(text instanceof IncludedSource)) return positions
    ;[text, span] = [text.site.source, spanOf(text.site.node)]
  }
}
