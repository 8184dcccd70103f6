import { inFileOrder } from '../../document/problem-list.js'
import { type Problem, SecretsFileError } from '../../errors.js'

// A file of another kind may be wrong on every line.
const mostInMessage = 20

/** One line of a secrets file. */
export interface Line {
  readonly number: number
  readonly text: string
}

/** Collects what is wrong with a secrets file: lines and names, never what a line says. */
export class FileProblems {
  readonly #found: Problem[] = []

  constructor(readonly filename: string) {}

  /** `message` must not repeat the line: it may be a secret. */
  add(code: string, message: string, { number: line, text }: Line): void {
    const endColumn = text.trimEnd().length + 1
    const column = Math.min(endColumn, text.length - text.trimStart().length + 1)
    const place = { file: this.filename, line, column, endLine: line, endColumn }
    this.#found.push({ code, message, ...place, frame: '' })
  }

  throwAny(): void {
    if (this.#found.length > 0) throw secretsFileError(this.#found)
  }
}

function secretsFileError(found: readonly Problem[]): SecretsFileError {
  const texts = found.slice(0, mostInMessage).map(describe)
  if (found.length > 1) texts.unshift(`${found.length} problems in ${found[0]!.file}`)
  if (found.length > mostInMessage) texts.push(`... and ${found.length - mostInMessage} more`)
  const problems = inFileOrder(found)
  return new SecretsFileError(texts.join('\n\n'), { problems })
}

function describe({ message, file, line, column }: Problem): string {
  return `${message}\n\n  ${file}:${line}:${column}`
}
