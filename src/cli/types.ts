import { readFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as cluster from '../cluster/index.js'
import { throwNotWritten } from '../errors.js'
import * as library from '../index.js'
import { StderrLogger } from '../logger.js'
import * as pool from '../pool/index.js'
import { defaultRegistry } from '../registry/default-registry.js'
import type { Class } from '../registry/registration.js'
import { writeAtomically } from '../util/atomic-write.js'
import { realPath } from '../util/paths.js'
import type { Command } from './commander.js'
import { commandOf } from './commands.js'
import { withExamples } from './help.js'
import { type LogFlags, levelOf } from './log-level.js'
import { type ImportFlags, withImports } from './options.js'
import { printLine } from './output.js'
import { completeSettings, importSettings } from './settings.js'

/** The file that is written when none is named, in the folder of the project. */
const defaultName = 'flambeau.d.ts'

/** `flambeau types`. */
export function typesCommand(): Command {
  const command = commandOf('types')
  return withExamples(withImports(command), 'flambeau types src/tags.d.ts').action(types)
}

async function types(file: string | undefined, flags: ImportFlags & LogFlags): Promise<void> {
  const logger = new StderrLogger(levelOf(flags))
  const settings = await completeSettings(flags, { files: [], uses: [], logger })
  const urls = await importSettings(settings)
  const names = [...(settings.project?.imports ?? []), ...settings.imports]
  const target = file ?? relative('', join(settings.project?.folder ?? '.', defaultName))
  const tags = defaultRegistry.tags().map((tag) => ({ tag, Class: defaultRegistry.get(tag)!.Class }))
  // The debugger is loaded by this command alone.
  const { inspectCode } = await import('../modules/class-locations.js')
  const search = new ExportSearch(inspectCode(tags.map(({ Class }) => Class)).modules)
  const members: string[] = []
  for (const { tag, Class } of tags) {
    const found = await search.find(Class, { urls, names })
    if (found) members.push(`    ${JSON.stringify(tag).replaceAll('"', "'")}: ${typeOf(found, target)}`)
    else logger.warn(`"${tag}" is left out: no module exports its class "${Class.name}"`)
  }
  const text = [
    header,
    "declare module 'flambeau' {",
    '  interface TagMap {',
    ...members,
    '  }',
    '}',
    '',
  ].join('\n')
  const isSame = (await readFile(target, 'utf8').catch(() => undefined)) === text
  if (!isSame)
    await writeAtomically(target, text, { mode: 0o666 & ~process.umask() }).catch(throwNotWritten(target))
  printLine(`${isSame ? 'Unchanged' : 'Written'}: the types of ${members.length} tags in "${target}"`)
}

const header = `// Written by "flambeau types": run it again when classes change.
// The type of the prototype is that of an object, also where the class is generic or its constructor is private.
export {}
`

/** The export of a class: a module, by its path or by its name in an import, and the name of the export. */
interface FoundExport {
  readonly module: string
  readonly isPath: boolean
  readonly name: string
}

/** The modules of a run: their URLs, and their names as the user wrote them. */
interface ImportedModules {
  readonly urls: readonly string[]
  readonly names: readonly string[]
}

/** Finds the modules that export classes. */
class ExportSearch {
  constructor(readonly modules: ReadonlyMap<Class, string>) {}

  async find(Class: Class, { urls, names }: ImportedModules): Promise<FoundExport | undefined> {
    for (const [module, exports] of Object.entries(ownModules)) {
      const name = exportOf(exports, Class)
      if (name !== undefined) return { module, isPath: false, name }
    }
    // The module of the class comes first: what another one exports may be made by a bundler.
    const own = this.modules.get(Class)
    for (const url of [...(own === undefined ? [] : [own]), ...urls]) {
      const name = exportOf(await import(url).catch(() => ({})), Class)
      if (name === undefined) continue
      const written = names[urls.indexOf(url)]
      const isPackage = written !== undefined && !/^\.{0,2}\/|^file:/.test(written)
      return isPackage
        ? { module: written, isPath: false, name }
        : { module: pathOf(url), isPath: true, name }
    }
    return undefined
  }
}

const ownModules: Readonly<Record<string, object>> = {
  flambeau: library,
  'flambeau/cluster': cluster,
  'flambeau/pool': pool,
}

function exportOf(exports: object, Class: Class): string | undefined {
  return Object.entries(exports).find(([, value]) => value === Class)?.[0]
}

function pathOf(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url.replace(/\?.*$/, '')) : url
}

function typeOf({ module, isPath, name }: FoundExport, target: string): string {
  const specifier = isPath ? specifierFrom(target, module) : module
  const member = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? `.${name}` : undefined
  const imported = `typeof import(${JSON.stringify(specifier).replaceAll('"', "'")})`
  return member
    ? `(${imported}${member})['prototype']`
    : `(${imported})[${JSON.stringify(name)}]['prototype']`
}

// TypeScript resolves the name of what is compiled, also where there is only the source.
function specifierFrom(target: string, module: string): string {
  const path = relative(realPath(dirname(target)), module)
    .split(sep)
    .join('/')
  const compiled = path.replace(/\.([cm]?)tsx?$/, '.$1js')
  return compiled.startsWith('.') ? compiled : `./${compiled}`
}
