import { syntaxMessage } from './messages.js'
import { applyEdits, type Edit, type Finding, originalOffset, type Repair } from './repair.js'

/** The diagnosis of a text: one finding for each cause. */
export interface Diagnosis {
  readonly findings: readonly Finding[]
  /** The text as it was probably meant; `undefined` if that is not known. */
  readonly repaired: string | undefined
  /** Maps an offset in the repaired text to one in the original text. */
  readonly origin: (offset: number) => number
  /** The offset after which the text could not be repaired. */
  readonly reliableUntil: number
}

/** A text and the repairs that were made to it, each with its finding in the original text. */
export class Changes {
  readonly findings: Finding[] = []
  readonly #edits: (readonly Edit[])[] = []

  constructor(public text: string) {}

  apply({ code }: Finding, { span, message, edits, once }: Repair): void {
    const original = { start: this.#origin(span.start), end: this.#origin(span.end) }
    if (!once || !this.findings.some((finding) => finding.message === message))
      this.findings.push({ code, message, span: original })
    this.#edits.unshift(edits)
    this.text = applyEdits(this.text, edits)
  }

  /** The diagnosis if no error is left. */
  complete(): Diagnosis {
    return this.#result(this.text, Number.POSITIVE_INFINITY)
  }

  /** The diagnosis if the cause of an error is not found. */
  unexplained(error: Finding): Diagnosis {
    const span = { start: this.#origin(error.span.start), end: this.#origin(error.span.end) }
    this.findings.push({ ...error, span, message: syntaxMessage(error.code, error.message) })
    return this.#result(undefined, span.start)
  }

  /** The diagnosis if there may be more errors. */
  partial(): Diagnosis {
    return this.#result(undefined, this.findings.at(-1)?.span.start ?? 0)
  }

  #result(repaired: string | undefined, reliableUntil: number): Diagnosis {
    return { findings: this.findings, repaired, origin: (offset) => this.#origin(offset), reliableUntil }
  }

  #origin(offset: number): number {
    return this.#edits.reduce((position, edits) => originalOffset(position, edits), offset)
  }
}
