import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { didYouMean, nearest } from '../registry/suggest.js'
import { codeOf, messageOf, propertyOf, readSafely } from '../util/thrown.js'
import { dependenciesOf, isFile, similarFile, withExtension } from './resolve.js'
import { compiledName, installTsx, isTypeScript } from './typescript.js'

/** An import that leads to no module. */
export interface MissingImport {
  readonly message: string
  /** The module with the import. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** What Node reports, in the words of its messages. */
interface Missing {
  /** The path or package that does not exist. */
  readonly target: string
  readonly importer: string
}

/** Finds the import that failed, if that is why a module could not be imported. */
export function missingImport(cause: unknown): MissingImport | undefined {
  const missing = isMissing(cause) ? missingOf(cause) : undefined
  const text = missing && readSafely(() => readFileSync(missing.importer, 'utf8'), undefined)
  if (!missing || text === undefined) return undefined
  const found = findSpecifier(text, missing)
  const specifier = found?.specifier ?? missing.target
  return {
    message: messageFor(specifier, missing),
    file: missing.importer,
    ...positionOf(text, found?.offset ?? 0),
  }
}

/** The last one is that of CommonJS. */
const missingCodes = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_UNSUPPORTED_DIR_IMPORT', 'MODULE_NOT_FOUND'])

function isMissing(cause: unknown): boolean {
  return missingCodes.has(codeOf(cause) ?? '')
}

function missingOf(cause: unknown): Missing | undefined {
  const message = messageOf(cause)
  const [, target, , from] =
    /^(?:Cannot find (?:module|package)|Directory import) '(.+?)'(.*) imported from (.+)$/m.exec(message) ??
    []
  if (target !== undefined && from !== undefined) return { target: pathOf(target), importer: pathOf(from) }
  const [, required] = /^Cannot find module '(.+?)'/.exec(message) ?? []
  const [parent] = (propertyOf(cause, 'requireStack') as string[] | undefined) ?? []
  if (required === undefined || parent === undefined) return undefined
  return {
    target: required.startsWith('.') ? resolve(dirname(parent), required) : required,
    importer: parent,
  }
}

function pathOf(text: string): string {
  return text.startsWith('file:') ? readSafely(() => fileURLToPath(text), text) : text
}

interface FoundSpecifier {
  readonly specifier: string
  readonly offset: number
}

function findSpecifier(text: string, { target, importer }: Missing): FoundSpecifier | undefined {
  for (const match of text.matchAll(/\b(?:from|import|require)\s*\(?\s*(['"])([^'"\n]+)\1/g)) {
    const specifier = match[2]!
    const isFound = specifier.startsWith('.')
      ? resolve(dirname(importer), specifier) === target
      : specifier === target || specifier.startsWith(`${target}/`)
    if (isFound) return { specifier, offset: match.index + match[0].lastIndexOf(specifier) - 1 }
  }
  return undefined
}

function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: before.at(-1)!.length + 1 }
}

function messageFor(specifier: string, { target, importer }: Missing): string {
  if (!specifier.startsWith('.') && !specifier.startsWith('/')) return missingPackage(specifier, importer)
  const found = runnableHere(withExtension(target), importer)
  if (found === undefined) return `There is no module "${specifier}"${remedyFor(target, importer)}`
  const written = specifierOf(found, importer)
  if (isFolder(target)) return `"${specifier}" is a folder, and an import names a file: write "${written}"`
  if (found.startsWith(`${target}.`))
    return `"${specifier}" is no file, since an import needs the extension: write "${written}"`
  const compiler = isTypeScript(found) ? `, or ${installTsx(importer)}` : ''
  return `There is no module "${specifier}", only "${basename(found)}": write "${written}"${compiler}`
}

// JavaScript imports JavaScript, also when its source lies beside it.
function runnableHere(found: string | undefined, importer: string): string | undefined {
  const compiled = found === undefined || isTypeScript(importer) ? undefined : compiledName(found)
  return compiled !== undefined && isFile(compiled) ? compiled : found
}

function remedyFor(target: string, importer: string): string {
  const found = similarFile(target)
  return found === undefined ? ': check the path' : `: did you mean "${specifierOf(found, importer)}"?`
}

function specifierOf(file: string, importer: string): string {
  const path = relative(dirname(importer), file).split(sep).join('/')
  return path.startsWith('.') ? path : `./${path}`
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function missingPackage(specifier: string, importer: string): string {
  const [name = specifier] = /^(?:@[^/]+\/)?[^/]+/.exec(specifier) ?? []
  const known = dependenciesOf(dirname(importer))
  const meant = known.includes(name) ? undefined : nearest(name, known)
  const unknown = `Package "${name}" is not installed`
  if (known.includes(name)) return `${unknown}: type "npm install"`
  return meant === undefined
    ? `${unknown}: type "npm install ${name}"`
    : `${unknown}${didYouMean(name, known)}`
}
