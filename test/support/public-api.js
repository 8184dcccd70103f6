/**
 * Writes down what the package exports: every name of every sub-path with its kind and its types, as they are in the
 * built declarations, without comments and without what is internal.
 *
 * `npm run api` writes it to test/data/public-api.txt, and without `--write` this prints it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import ts from 'typescript'

const file = 'test/data/public-api.txt'
const { exports, name } = JSON.parse(readFileSync('package.json', 'utf8'))
const entries = Object.entries(exports).filter(([, { types }]) => types)
const options = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  types: ['node'],
  noEmit: true,
}
const program = ts.createProgram(
  entries.map(([, { types }]) => resolve(types)),
  options,
)
const checker = program.getTypeChecker()
const printer = ts.createPrinter({ removeComments: true })
/** Where each declaration was written down first. */
const seen = new Map()

const text = entries.map(([path, { types }]) => section(path, types)).join('\n')
if (process.argv.includes('--write')) writeFileSync(file, text)
else process.stdout.write(text)

function section(path, types) {
  const subPath = path.replace('.', name)
  const module = checker.getSymbolAtLocation(program.getSourceFile(resolve(types)))
  const symbols = module ? checker.getExportsOfModule(module) : []
  const sorted = symbols.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return [`# ${subPath}\n`, ...sorted.map((symbol) => described(symbol, subPath))].join('\n')
}

function described(symbol, subPath) {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  const first = seen.get(target)
  if (first) return `${symbol.name}: see ${first}\n`
  seen.set(target, subPath)
  const declarations = target.declarations.filter((declaration) => !isInternal(declaration))
  return declarations.map((declaration) => `${printed(declaration)}\n`).join('')
}

function printed(declaration) {
  const statement = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
  const { transformed } = ts.transform(statement, [withoutInternals])
  const source = declaration.getSourceFile()
  return printer
    .printNode(ts.EmitHint.Unspecified, transformed[0], source)
    .replace(/^export (?:declare )?/, '')
}

function withoutInternals(context) {
  const visit = (node) => {
    if (ts.isClassElement(node) && isHidden(node)) return undefined
    return ts.visitEachChild(node, visit, context)
  }
  return (node) => visit(node)
}

function isHidden(member) {
  const isPrivate = ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private
  return isPrivate || isInternal(member) || (member.name && ts.isPrivateIdentifier(member.name))
}

function isInternal(node) {
  return ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal')
}
