import type { Problem } from '../../../errors.js'
import { Source, type Span } from '../../../source.js'

/** A text as it was meant, whose problems point at their places in the text as it is written. */
export class RepairedSource extends Source {
  constructor(
    text: string,
    readonly written: Source,
    readonly origin: (offset: number) => number,
  ) {
    super(text, written.filename)
  }

  override position(offset: number): { line: number; column: number } {
    return this.written.position(this.origin(offset))
  }

  override problem(code: string, message: string, span: Span, hint?: string): Problem {
    return this.written.problem(code, message, this.#spanOf(span), hint)
  }

  override frame(span: Span): string {
    return this.written.frame(this.#spanOf(span))
  }

  #spanOf({ start, end }: Span): Span {
    const from = this.origin(start)
    return { start: from, end: Math.max(from, this.origin(end)) }
  }
}
