import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Class } from '../registry/registration.js'
import { packageRoot } from '../util/paths.js'
import { readSafely } from '../util/thrown.js'

/** Where a class is written; lines and columns count from 0. */
export interface ClassLocation {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** What the debugger knows of the modules of this process. */
export interface LoadedCode {
  /** The files of the user's modules and of what they import, without packages. */
  readonly files: readonly string[]
  readonly locations: ReadonlyMap<Class, ClassLocation>
  /** The URL of the module that each class is in. */
  readonly modules: ReadonlyMap<Class, string>
}

interface Script {
  readonly url: string
  readonly sourceMapURL?: string
}

const slot = Symbol.for('flambeau.classes')

/**
 * Finds where classes are written, in the files from which their code was compiled. V8 knows the position of each function; its
 * debugger, which is attached for a moment, says it
 * (https://chromedevtools.github.io/devtools-protocol/v8/Runtime/#method-getProperties).
 */
export function inspectCode(classes: readonly Class[]): LoadedCode {
  const session = new Session()
  session.connect()
  try {
    const scripts = scriptsOf(session)
    const positions = functionPositions(session, classes)
    const locations = new Map<Class, ClassLocation>()
    const modules = new Map<Class, string>()
    for (const [index, Class] of classes.entries()) {
      const position = positions[index]
      const script = position && scripts.get(position.scriptId)
      if (!script) continue
      modules.set(Class, script.url)
      const location = readSafely(() => locationIn(script, position, Class.name), undefined)
      if (location) locations.set(Class, location)
    }
    return { files: [...new Set([...scripts.values()].flatMap(filesOf))], locations, modules }
  } finally {
    session.disconnect()
  }
}

function scriptsOf(session: Session): Map<string, Script> {
  const scripts = new Map<string, Script>()
  session.on('Debugger.scriptParsed', ({ params: { scriptId, url, sourceMapURL } }) => {
    if (isOfUser(url)) scripts.set(scriptId, { url, sourceMapURL: sourceMapURL ?? '' })
  })
  session.post('Debugger.enable')
  return scripts
}

function isOfUser(url: string): boolean {
  return (
    /^(?:file:|\/)/.test(url) &&
    !url.includes('/node_modules/') &&
    !pathOf(url).startsWith(`${packageRoot()}/dist/`)
  )
}

function pathOf(url: string): string {
  const bare = url.replace(/\?.*$/, '')
  return bare.startsWith('file:') ? fileURLToPath(bare) : bare
}

interface Position {
  readonly scriptId: string
  readonly lineNumber: number
  readonly columnNumber: number
}

// A session in this thread answers before "post" returns.
function functionPositions(session: Session, classes: readonly Class[]): (Position | undefined)[] {
  const holder = globalThis as Record<symbol, unknown>
  holder[slot] = classes
  try {
    const list = evaluated(session, `globalThis[Symbol.for('flambeau.classes')]`)
    const items = new Map(propertiesOf(session, list).own.map(({ name, value }) => [name, value?.objectId]))
    return classes.map((_, index) => {
      const id = items.get(String(index))
      const inner = id === undefined ? [] : propertiesOf(session, id).internal
      return inner.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value as Position | undefined
    })
  } finally {
    delete holder[slot]
  }
}

function evaluated(session: Session, expression: string): string {
  let id = ''
  session.post('Runtime.evaluate', { expression }, (_, found) => {
    id = found?.result?.objectId ?? ''
  })
  return id
}

interface Property {
  readonly name: string
  readonly value?: { readonly objectId?: string; readonly value?: unknown }
}

function propertiesOf(
  session: Session,
  objectId: string,
): { own: readonly Property[]; internal: readonly Property[] } {
  let properties: { own: readonly Property[]; internal: readonly Property[] } = { own: [], internal: [] }
  session.post('Runtime.getProperties', { objectId, ownProperties: true }, (_, found) => {
    properties = {
      own: (found?.result ?? []) as Property[],
      internal: (found?.internalProperties ?? []) as Property[],
    }
  })
  return properties
}

function locationIn(script: Script, position: Position, name: string): ClassLocation {
  const { lineNumber: line, columnNumber: column } = position
  const map = sourceMapOf(script)
  const entry = map?.findEntry(line, column)
  const mapped =
    entry && 'originalSource' in entry
      ? {
          file: sourcePath(entry.originalSource, script.url),
          line: entry.originalLine,
          column: entry.originalColumn,
        }
      : { file: pathOf(script.url), line, column }
  return atName(mapped, name)
}

function sourceMapOf({ url, sourceMapURL = '' }: Script): SourceMap | undefined {
  const text = sourceMapURL === '' ? undefined : readSafely(() => sourceMapText(url, sourceMapURL), undefined)
  return text === undefined ? undefined : new SourceMap(JSON.parse(text) as SourceMapPayload)
}

function sourceMapText(url: string, sourceMapURL: string): string {
  const [, encoding, data] = /^data:[^,]*?(;base64)?,(.*)$/s.exec(sourceMapURL) ?? []
  if (data !== undefined) return encoding ? Buffer.from(data, 'base64').toString() : decodeURIComponent(data)
  return readFileSync(pathOf(new URL(sourceMapURL, fileUrl(url)).href), 'utf8')
}

function sourcePath(source: string, url: string): string {
  return pathOf(/^(?:file:|\/)/.test(source) ? source : new URL(source, fileUrl(url)).href)
}

function fileUrl(url: string): string {
  return url.startsWith('/') ? `file://${url}` : url
}

// Decorators move the position of a class: its name is searched near it.
function atName(location: ClassLocation, name: string): ClassLocation {
  const lines = readSafely(() => readFileSync(location.file, 'utf8').split('\n'), [])
  const pattern = new RegExp(`\\bclass\\s+(?=${name.replace(/[^\w$]/g, '')}\\b)`)
  const distances = lines.flatMap((text, line) =>
    pattern.test(text) ? [Math.abs(line - location.line)] : [],
  )
  if (distances.length === 0) return location
  const nearest = Math.min(...distances)
  const line = lines.findIndex(
    (text, index) => pattern.test(text) && Math.abs(index - location.line) === nearest,
  )
  const match = pattern.exec(lines[line]!)!
  return { file: location.file, line, column: match.index + match[0].length }
}

function filesOf(script: Script): string[] {
  const map = sourceMapOf(script)
  const sources = map
    ? map.payload.sources.map((source) => readSafely(() => sourcePath(source, script.url), ''))
    : []
  return [pathOf(script.url), ...sources].filter((file) => file !== '')
}
