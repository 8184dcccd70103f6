import { existsSync, readdirSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { documentError } from './document/problems.js'
import { parse } from './document/read/parse.js'
import { decodeUtf8 } from './document/read/read-text.js'
import type { FlambeauError, Problem } from './errors.js'
import type { Entry, Node } from './node.js'
import { didYouMean, nearest } from './registry/suggest.js'
import { Source, type Span } from './source.js'
import { jsonMistake } from './util/json-syntax.js'
import { absolutePath, isPersonal, realPath } from './util/paths.js'
import { isMapping } from './util/plain-object.js'
import { readRegular } from './util/read-regular.js'
import { readSafely } from './util/thrown.js'

/** The setting `"flambeau"` of a `package.json`. */
export interface Project {
  /** The folder of the `package.json`: paths in the setting start there. */
  readonly folder: string
  /** The modules that register the classes of the project: paths and packages, as written. */
  readonly imports: readonly string[]
  /** Glob patterns of the files that runs on clusters need. */
  readonly files: readonly string[]
  /** The INI file with the secrets, or `env:PREFIX_`; `false` for none. */
  readonly secrets: string | false | undefined
  /** The YAML file of the cluster. */
  readonly cluster: string | undefined
  /** The folder in which runs are recorded, or `false` for none. */
  readonly runs: string | false | undefined
  /** @internal Where each value is written. */
  readonly positions: SettingPositions
}

/** The values of {@link Project} that name one file. */
export type FileSetting = 'secrets' | 'cluster'

const settingName = 'flambeau'
/** No `package.json` is larger, in bytes. */
const largest = 1 << 24

/**
 * Reads the setting `"flambeau"` of the nearest `package.json` with that key, at or above a folder. The search stops at a
 * personal folder, such as a home folder.
 *
 * @throws `DocumentError` with every mistake in the setting.
 */
export async function readProject(folder: string = process.cwd()): Promise<Project | undefined> {
  for (let each = realPath(folder); !isPersonal(each); each = dirname(each)) {
    const project = await projectIn(each)
    if (project) return project
  }
  return undefined
}

/** Whether a file is in a project, or its folder, by real paths: a symbolic link in it may lead to the file of a stranger. */
export function isInProject({ folder }: Pick<Project, 'folder'>, file: string): boolean {
  const [path, project] = [nearestReal(file), realPath(folder)]
  return path === project || path.startsWith(project.replace(/[\\/]?$/, sep))
}

// A file that does not exist may be in a folder that is a symbolic link.
function nearestReal(file: string): string {
  const path = absolutePath(file)
  if (existsSync(path) || dirname(path) === path) return realPath(path)
  return join(nearestReal(dirname(path)), basename(path))
}

/** The path of a file that the setting names, for the current folder. */
export function projectPath({ folder }: Pick<Project, 'folder'>, path: string): string {
  return relative('', absolutePath(path, folder))
}

/** The problem of a file that the setting names and that does not exist. */
export function missingFile(project: Project, name: FileSetting): Problem | undefined {
  const path = project[name]
  if (!path || (name === 'secrets' && path.startsWith('env:'))) return undefined
  const file = absolutePath(path, project.folder)
  if (existsSync(file)) return undefined
  const remedy = didYouMean(basename(file), namesIn(dirname(file))) || ': check the path'
  const message = `There is no file "${path}" in "${project.folder}"${remedy}`
  return project.positions.problem('PROJECT_NO_FILE', message, { name })
}

/** The error of a module that does not exist, or that cannot run here, as a problem of the setting. */
export function importProblem(
  { positions }: Project,
  index: number,
  { code, message }: ModuleError,
): Problem {
  return positions.problem(code, message, { name: 'imports', index })
}

type ModuleError = Pick<FlambeauError, 'code' | 'message'>

function namesIn(folder: string): string[] {
  return readSafely(() => readdirSync(folder), [])
}

async function projectIn(folder: string): Promise<Project | undefined> {
  const file = join(folder, 'package.json')
  const bytes = await readRegular(file, {
    limit: largest,
    isExcluded: (stats) => isOfAnother(stats, folder),
  }).catch(() => undefined)
  if (!Buffer.isBuffer(bytes) || !bytes.includes(`"${settingName}"`)) return undefined
  const filename = relative('', file)
  const source = new Source(decodeUtf8(bytes, filename), filename)
  const setting = settingIn(source)
  return setting === undefined ? undefined : completed(folder, setting, source)
}

// In a folder such as "/tmp", another user could write a package.json that names modules.
function isOfAnother({ uid }: Stats, folder: string): boolean {
  const user = process.getuid?.()
  return user !== undefined && uid !== user && uid !== 0 && (statSync(folder).mode & 0o002) !== 0
}

/** The value of the key in the text of a `package.json`. */
function settingIn(source: Source): unknown {
  const text = source.text.replace(/^\ufeff/, '')
  try {
    const value: unknown = JSON.parse(text)
    return isMapping(value) && Object.hasOwn(value, settingName) ? value[settingName] : undefined
  } catch (error) {
    // Such a file is the concern of npm and Node, unless it has a setting that would be ignored.
    if (!new RegExp(`"${settingName}"\\s*:\\s*\\{`).test(text)) return undefined
    throw documentError([notJson(source, text, error)])
  }
}

function notJson(source: Source, text: string, error: unknown): Problem {
  const { start, end, message } = jsonMistake(text) ?? { start: 0, end: 0, message: (error as Error).message }
  const shift = source.text.length - text.length
  const span = { start: start + shift, end: end + shift }
  return source.problem('PROJECT_NOT_JSON', `"package.json" is not valid JSON: ${message}`, span)
}

function completed(folder: string, setting: unknown, source: Source): Project {
  const positions = new SettingPositions(source)
  const problems = isMapping(setting)
    ? [
        ...positions.repeated(),
        ...Object.keys(setting).flatMap((name) => mistakes(name, setting[name], positions)),
      ]
    : [
        positions.problem(
          'PROJECT_BAD_VALUE',
          `"${settingName}" must be an object such as { "imports": ["./index.js"] }`,
        ),
      ]
  if (problems.length > 0) throw documentError(problems)
  const { imports = [], files = [], secrets, cluster, runs } = setting as Partial<Project>
  return { folder, imports, files, secrets, cluster, runs, positions }
}

/** How a value must be: an example for messages, and whether it may be a list, or `false`. */
interface SettingKind {
  readonly expected: string
  readonly isList?: true
  readonly mayBeFalse?: true
}

const kinds: Readonly<Record<string, SettingKind>> = {
  imports: { expected: 'a list of modules, such as ["./src/index.js"]', isList: true },
  files: { expected: 'a list of patterns, such as ["data/*.csv"]', isList: true },
  secrets: { expected: 'the path of an INI file, "env:PREFIX_", or false', mayBeFalse: true },
  cluster: { expected: 'the path of a YAML file, such as "lab.yaml"' },
  runs: { expected: 'the path of a folder, such as ".flambeau/runs", or false', mayBeFalse: true },
}

function mistakes(name: string, value: unknown, positions: SettingPositions): Problem[] {
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
  if (!kind) return [unknownKey(name, positions)]
  if (kind.mayBeFalse && value === false) return []
  const wrong = (path: string, index?: number): Problem =>
    positions.problem('PROJECT_BAD_VALUE', `"${path}" must be ${kind.expected}`, { name, index })
  if (!kind.isList) return isText(value) ? [] : [wrong(name)]
  if (!Array.isArray(value)) return [wrong(name)]
  return value.flatMap((item, index) => (isText(item) ? [] : [wrong(`${name}[${index}]`, index)]))
}

function unknownKey(name: string, positions: SettingPositions): Problem {
  const known = Object.keys(kinds)
  const hint = nearest(name, known)
  const remedy =
    hint === undefined ? `it has ${known.map((key) => `"${key}"`).join(', ')}` : `did you mean "${hint}"?`
  const message = `"${settingName}" has no key "${name}": ${remedy}`
  return positions.keyProblem('PROJECT_UNKNOWN_KEY', message, { name, hint })
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== ''
}

/** A value of the setting, or an item of a list in it; the whole setting without a name. */
interface SettingItem {
  readonly name?: string
  readonly index?: number | undefined
}

/** Where the values of the setting are written: every JSON text is a YAML text, so it is read as one. */
export class SettingPositions {
  readonly #source: Source
  readonly #setting: Entry | undefined

  constructor(source: Source) {
    this.#source = source
    const root = parse(source.text, source.filename).documents[0]?.root
    this.#setting = root && entriesOf(root, settingName).at(-1)
  }

  /** A problem of the whole setting, of one value, or of an item of a list. */
  problem(code: string, message: string, { name, index }: SettingItem = {}): Problem {
    const value = name === undefined ? this.#setting?.value : this.#entry(name)?.value
    const item = index !== undefined && value?.kind === 'sequence' ? value.items[index] : undefined
    return this.#source.problem(code, message, this.#span(item ?? value))
  }

  /** A problem of a key. */
  keyProblem(
    code: string,
    message: string,
    { name, hint }: { name: string; hint?: string | undefined },
  ): Problem {
    return this.#source.problem(code, message, this.#span(this.#entry(name)?.key), hint)
  }

  /** The problems of keys that come twice, of which JSON would take the last. */
  repeated(): Problem[] {
    return Object.keys(kinds).flatMap((name) =>
      this.#entries(name)
        .slice(1)
        .map(({ key }) => {
          const message = `"${settingName}" has "${name}" twice: keep one`
          return this.#source.problem('PROJECT_KEY_TWICE', message, this.#span(key))
        }),
    )
  }

  #entry(name: string): Entry | undefined {
    return this.#entries(name).at(-1)
  }

  #entries(name: string): readonly Entry[] {
    return this.#setting ? entriesOf(this.#setting.value, name) : []
  }

  #span(node: Node | undefined = this.#setting?.key): Span {
    return node ? { start: node.start, end: node.end } : { start: 0, end: 0 }
  }
}

function entriesOf(node: Node, name: string): readonly Entry[] {
  if (node.kind !== 'mapping') return []
  return node.entries.filter(({ key }) => key.kind === 'scalar' && key.value === name)
}
