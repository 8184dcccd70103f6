import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FlambeauError, isFlambeauError, type Problem, ResourceError } from '../errors.js'
import { reportProblems } from '../problem-report.js'
import { Source } from '../source.js'
import { packageRoot } from '../util/paths.js'
import { codeOf, isError, messageOf, nameOf, propertyOf, readSafely } from '../util/thrown.js'
import { missingImport } from './missing-import.js'
import { hasTsx, installTsx, isTypeScript } from './typescript.js'

/** A module that could not be imported. */
export interface FailedModule {
  /** As the user wrote it. */
  readonly name: string
  readonly url: string
}

/** What TypeScript needs a compiler for. */
const unsupportedSyntax = new Set(['ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX', 'ERR_UNKNOWN_FILE_EXTENSION'])

/** The error to throw for a module that could not be imported: what is wrong, at which line, and what to type. */
export function explainFailure(module: FailedModule, cause: unknown): unknown {
  const missing = missingImport(cause)
  if (missing) return located('IMPORT_NOT_FOUND', missing.message, missing, { cause })
  const isSyntax = readSafely(() => cause instanceof SyntaxError, false) || nameOf(cause) === 'TransformError'
  if (unsupportedSyntax.has(codeOf(cause) ?? '') || isDecorator(module, cause))
    return located('NOT_RUNNABLE_HERE', unsupported(module, cause), locationOf(cause), { cause })
  if (isSyntax) return located('NOT_RUNNABLE_HERE', badSyntax(module, cause), locationOf(cause), { cause })
  return isFlambeauError(cause) ? withLocation(cause) : failed(module, cause)
}

// Node leaves decorators in the JavaScript that it makes of TypeScript.
function isDecorator({ url }: FailedModule, cause: unknown): boolean {
  return (
    isTypeScript(url) && codeOf(cause) === undefined && messageOf(cause) === 'Invalid or unexpected token'
  )
}

function unsupported(module: FailedModule, cause: unknown): string {
  const reason = isDecorator(module, cause) ? 'it does not support decorators' : messageOf(cause)
  const file = module.url.startsWith('file:') ? fileURLToPath(module.url) : process.cwd()
  const remedy = isTypeScript(module.url) ? installTsx(file) : howToImportTypeScript(file)
  return `Node ${process.versions.node} cannot run "${module.name}", or a module that it imports, without a compiler (${reason}): ${remedy}`
}

function howToImportTypeScript(file: string): string {
  const registered = 'set NODE_OPTIONS="--import tsx"'
  return `name the TypeScript module itself, or ${hasTsx(file) ? registered : `${installTsx(file)} and ${registered}`}`
}

function badSyntax({ name, url }: FailedModule, cause: unknown): string {
  if (locationOf(cause) || isTypeScript(url)) return `"${name}" cannot be loaded: ${syntaxMessage(cause)}`
  return `This Node cannot run "${name}", or a module that it imports: ${syntaxMessage(cause)}; "node ${name}" shows the line; decorators have to be compiled`
}

/** What is wrong, without the list of locations of esbuild. */
function syntaxMessage(cause: unknown): string {
  const [, message] = /ERROR: (.*)/.exec(messageOf(cause)) ?? []
  return message ?? messageOf(cause)
}

/** A line and column of a file. */
interface Location {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Where the syntax is wrong, or which line of the user's code threw. */
function locationOf(cause: unknown): Location | undefined {
  if (!isError(cause)) return undefined
  const stack = String(propertyOf(cause, 'stack'))
  const [, path, line, column] = /^(\/.*?):(\d+):(\d+): ERROR/m.exec(messageOf(cause)) ?? []
  if (path !== undefined) return { file: path, line: Number(line), column: Number(column) + 1 }
  return locationAtTop(stack) ?? framesOf(stack).find((frame) => isUsers(frame) && isInSource(frame))
}

// A compiler adds helpers, for decorators among others, whose frames point behind the end of the source.
function isInSource({ file, line, column }: Location): boolean {
  const text = readSafely(() => readFileSync(file, 'utf8'), undefined)
  return text === undefined || column <= (text.split('\n')[line - 1]?.length ?? -1) + 1
}

// Node begins the stack of a syntax error with the line and a marker below.
function locationAtTop(stack: string): Location | undefined {
  const [, path, line] = /^(?:file:\/\/)?(\/.*):(\d+)\n/.exec(stack) ?? []
  const [, before] = /\n( *)\^+\n/.exec(stack) ?? []
  return path === undefined
    ? undefined
    : { file: path, line: Number(line), column: (before ?? '').length + 1 }
}

function framesOf(stack: string): Location[] {
  const frames = stack.matchAll(/^ +at (?:.*\()?((?:file:\/\/)?\/.*?)(?:\?[^:)]*)?:(\d+):(\d+)\)?$/gm)
  return [...frames].map(([, path = '', line, column]) => {
    const file = path.startsWith('file:') ? readSafely(() => fileURLToPath(path), path) : path
    return { file, line: Number(line), column: Number(column) }
  })
}

function isUsers({ file }: Location): boolean {
  return !file.startsWith(join(packageRoot(), 'dist')) && !/[\\/]node_modules[\\/]/.test(file)
}

/** An error of this package that a module caused: of the same class and code, at the line that caused it. */
function withLocation(cause: FlambeauError): FlambeauError {
  const location = locationOf(cause)
  if (!location || cause.problems.length > 0) return cause
  const Class = cause.constructor as typeof FlambeauError
  const problems = [problemAt(cause.code, cause.message, location)]
  return new Class(reportProblems(problems), { code: cause.code, exitCode: cause.exitCode, problems, cause })
}

function failed({ name }: FailedModule, cause: unknown): ResourceError {
  const thrown = isError(cause) ? `${nameOf(cause)}: ${messageOf(cause)}` : messageOf(cause)
  const message = `Module "${name}" threw an error while it was imported: ${thrown}`
  return located('MODULE_FAILED', message, locationOf(cause), { cause, exitCode: 1 })
}

function located(
  code: string,
  message: string,
  location: Location | undefined,
  options: { readonly cause: unknown; readonly exitCode?: number },
): ResourceError {
  if (location === undefined) return new ResourceError(message, { code, ...options })
  const problems = [problemAt(code, message, location)]
  return new ResourceError(reportProblems(problems), { code, problems, ...options })
}

function problemAt(code: string, message: string, { file, line, column }: Location): Problem {
  const source = new Source(
    readSafely(() => readFileSync(file, 'utf8'), ''),
    shownPath(file),
  )
  if (source.text === '')
    return { code, message, file: source.filename, line, column, endLine: line, endColumn: column, frame: '' }
  const start = source.offsetOf(line, column)
  return source.problem(code, message, { start, end: start + 1 })
}

function shownPath(file: string): string {
  const path = relative('', file)
  return path.startsWith('..') ? file : path
}
