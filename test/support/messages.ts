import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

let wordings: RegExp[] | undefined

/** Whether a line could be made by a text in `src`, whatever stands in its gaps. */
export function saidBySource(line: string): boolean {
  wordings ??= readSource()
  return wordings.some((wording) => wording.test(line))
}

function readSource(): RegExp[] {
  const names = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )
  return names.flatMap((name) => {
    const found: RegExp[] = []
    collect(ts.createSourceFile(name, readFileSync(join('src', name), 'utf8'), ts.ScriptTarget.ES2022), found)
    return found
  })
}

function collect(node: ts.Node, found: RegExp[]): void {
  const pieces = piecesOf(node)
  if (pieces && pieces.join('').replace(/\W/g, '').length >= 10)
    found.push(new RegExp(pieces.map((piece) => piece.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')))
  ts.forEachChild(node, (child) => collect(child, found))
}

function piecesOf(node: ts.Node): string[] | undefined {
  if (ts.isStringLiteralLike(node)) return [node.text]
  if (!ts.isTemplateExpression(node)) return undefined
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)]
}
