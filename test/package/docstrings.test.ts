// What is exported is explained where it stands: CONTRIBUTING.md has the rule.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import ts from 'typescript'
import { guidePages } from '../support/code-blocks.js'

describe('each export of the package', () => {
  const { exports: manifest } = JSON.parse(readFileSync('package.json', 'utf8'))
  const entries = Object.values<{ types?: string }>(manifest).flatMap(({ types }) => types ?? [])
  const sources = entries.map((path) => path.replace('./dist/', 'src/').replace('.d.ts', '.ts'))
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile('tsconfig.json', ts.sys.readFile).config,
    ts.sys,
    '.',
  )
  const program = ts.createProgram(sources, options)
  const checker = program.getTypeChecker()
  const exported = new Map(sources.flatMap(exportsOf).map((symbol) => [symbol.name, symbol]))
  const errors = guidePages()
    .filter((page) => page.startsWith('docs/errors'))
    .map((page) => readFileSync(page, 'utf8'))
    .join('\n')

  test('has a docstring', () => {
    assert.ok(exported.size > 100)
    assert.deepEqual(
      namesOf((symbol) => docOf(symbol) === ''),
      [],
    )
  })

  test('that is a class, a function or a value has an example, or names one that has', () => {
    assert.deepEqual(
      namesOf((symbol) => isValue(symbol) && !isShown(symbol)),
      [],
    )
  })

  function exportsOf(source: string): ts.Symbol[] {
    const module = checker.getSymbolAtLocation(program.getSourceFile(source)!)
    // A program that is only run exports nothing.
    if (!module) return []
    return checker
      .getExportsOfModule(module)
      .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
  }

  function namesOf(wanted: (symbol: ts.Symbol) => boolean): string[] {
    return [...exported.values()].filter(wanted).map(({ name }) => name)
  }

  // As it is written: the compiler takes a decorator in an example for a tag.
  function docOf({ declarations = [] }: ts.Symbol): string {
    const comments = declarations.flatMap((declaration) =>
      ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc),
    )
    return comments.map((comment) => comment.getText()).join('\n')
  }

  function isValue(symbol: ts.Symbol): boolean {
    return (symbol.flags & ts.SymbolFlags.Value) !== 0
  }

  function isShown(symbol: ts.Symbol): boolean {
    return hasExample(symbol) || linksToExample(symbol) || isMadeBySome(symbol) || isErrorWithSection(symbol)
  }

  function hasExample(symbol: ts.Symbol): boolean {
    return /```(?:ts|yaml)\n/.test(docOf(symbol))
  }

  function linksToExample(symbol: ts.Symbol): boolean {
    const links = [...docOf(symbol).matchAll(/\{@link (\w+)\s*\}/g)].flatMap(
      ([, name]) => exported.get(name!) ?? [],
    )
    return links.some(hasExample)
  }

  // `openPool` shows what a `Pool` is.
  function isMadeBySome({ name }: ts.Symbol): boolean {
    return [...exported.values()].some((maker) => {
      const { valueDeclaration } = maker
      if (!valueDeclaration || !ts.isFunctionDeclaration(valueDeclaration) || !hasExample(maker)) return false
      return new RegExp(`^(?:Promise<)?${name}\\b`).test(valueDeclaration.type?.getText() ?? '')
    })
  }

  // The family of errors has its examples in the guide, by code.
  function isErrorWithSection({ name }: ts.Symbol): boolean {
    return name.endsWith('Error') && new RegExp(`\\b${name}\\b`).test(errors)
  }
})

describe('each link of a docstring', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name))
    .map((path) => ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest))
  const links = files.flatMap(linksIn)

  test('names something that the sources declare', () => {
    const declared = new Set(files.flatMap(declaredIn))
    assert.ok(links.length > 50)
    assert.deepEqual(
      links
        .filter(({ name, own }) => !declared.has(name) && !own.some((each) => each.endsWith(`.${name}`)))
        .map(({ fileName, name }) => `${fileName}: ${name}`),
      [],
    )
  })

  // A link to a member of the same file may leave out its class.
  function linksIn(file: ts.SourceFile): { fileName: string; name: string; own: string[] }[] {
    const own = declaredIn(file)
    const found = [...file.text.matchAll(/\{@link\s+([^\s|}]+)/g)]
    return found.map(([, name = '']) => ({ fileName: file.fileName, name, own }))
  }

  // `Host`, and its members as `Host.exec`.
  function declaredIn(file: ts.SourceFile): string[] {
    return file.statements.flatMap((statement) => {
      if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.flatMap(namesIn)
      return namesIn(statement as ts.DeclarationStatement)
    })

    function namesIn(declaration: ts.NamedDeclaration): string[] {
      const name = declaration.name?.getText(file) ?? ''
      const hasMembers = ts.isClassLike(declaration) || ts.isInterfaceDeclaration(declaration)
      const members = hasMembers ? [...declaration.members] : []
      return [name, ...members.map((member) => `${name}.${member.name?.getText(file)}`)]
    }
  }
})
