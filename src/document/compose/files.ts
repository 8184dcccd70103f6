import type { Stats } from 'node:fs'
import { readdir, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ResourceError } from '../../errors.js'
import type { Node } from '../../node.js'
import { nearest } from '../../registry/suggest.js'
import { mapLimited } from '../../util/concurrency.js'
import { explainReadError } from '../../util/file-error.js'
import { absolutePath, projectRoot } from '../../util/paths.js'
import { isIni, isInRepositoryFolder, isPrivateKey, isPrivateName } from '../../util/private-names.js'
import { fileId, type RefusedFile, readRegular } from '../../util/read-regular.js'
import { includeNodes, specOf } from '../include-spec.js'
import { parse } from '../read/parse.js'
import type { ParsedText } from '../read/parsed.js'
import { decodeUtf8 } from '../read/read-text.js'

/** A file that was read: it is parsed once, however often it is included. */
export interface FileUnit {
  readonly parsed: ParsedText
  /** The folder from which its paths start, without symbolic links. */
  readonly folder: string
}

/** Why a file cannot be included. */
export interface ReadFailure {
  readonly code: string
  readonly message: string
  /** The path that was probably meant. */
  readonly hint?: string | undefined
}

/** The limits of what a file may include. */
export interface IncludeOptions {
  /**
   * The folder outside which nothing is read; when absent, the folder of the nearest `package.json` above the file, or that
   * of the file.
   */
  readonly includeRoot?: string | URL | undefined
  /** Files that no file may include, such as the secrets file. */
  readonly forbidden?: readonly string[] | undefined
}

/** The greatest number of files that a file may be made of. */
export const maxFiles = 10_000
/** The greatest size of an included file, in bytes. */
const maxBytes = 64 << 20
const parallelReads = 16

/** The files that a text is made of, by the folder and the path that name them. */
export class IncludedFiles {
  readonly #root: string
  /** The real paths and the ids of files. */
  readonly #forbidden: ReadonlySet<string>
  readonly #found = new Map<string, FileUnit | ReadFailure>()
  /** Each is set when its reading begins: includes of one file are read at the same time. */
  readonly #byRealPath = new Map<string, Promise<FileUnit | ReadFailure>>()
  /** Whether names in messages lead to the files: not if the program names the top file otherwise. */
  readonly #namesArePaths: boolean
  #count = 0

  private constructor(
    readonly top: FileUnit,
    { root, forbidden, path }: { root: string; forbidden: ReadonlySet<string>; path: string },
  ) {
    this.#root = root
    this.#forbidden = forbidden
    this.#namesArePaths = top.parsed.source.filename === path
  }

  /** Reads every file that `nodes` of a text, or of its overrides, include, and those that these include. */
  static async read(
    { parsed, path }: { parsed: ParsedText; path: string },
    nodes: readonly Node[],
    { includeRoot, forbidden = [] }: IncludeOptions,
  ): Promise<IncludedFiles> {
    const file = resolve(path)
    const folder = dirname(await realpath(file).catch(() => file))
    const root = await realRoot(includeRoot, folder)
    const names = (await Promise.all(forbidden.map(namesOf))).flat()
    const files = new IncludedFiles({ parsed, folder }, { root, forbidden: new Set(names), path })
    files.#byRealPath.set(await realpath(file).catch(() => file), Promise.resolve(files.top))
    await files.#readAll(nodes)
    return files
  }

  /** What a path leads to, from the folder of the file that names it. */
  get(folder: string, path: string): FileUnit | ReadFailure | undefined {
    return this.#found.get(keyOf(folder, path))
  }

  async #readAll(nodes: readonly Node[]): Promise<void> {
    let level: Wanted[] = wantedBy(nodes, this.top)
    while (level.length > 0) {
      const fresh = new Map<string, Wanted>()
      for (const wanted of level) {
        const key = keyOf(wanted.folder, wanted.path)
        if (!this.#found.has(key) && !fresh.has(key)) fresh.set(key, wanted)
      }
      const units = await mapLimited([...fresh.values()], parallelReads, (wanted) => this.#read(wanted))
      level = units.flatMap((unit) => (unit ? wantedBy(includeNodes(unit.parsed), unit) : []))
    }
  }

  // Returns a file that was not read before.
  async #read(wanted: Wanted): Promise<FileUnit | undefined> {
    const key = keyOf(wanted.folder, wanted.path)
    const located = await this.#locate(wanted)
    if ('code' in located) {
      this.#found.set(key, located)
      return undefined
    }
    const known = this.#byRealPath.get(located.real)
    if (known) {
      this.#found.set(key, await known)
      return undefined
    }
    if (++this.#count > maxFiles) {
      this.#found.set(key, tooManyFiles())
      return undefined
    }
    const reading = this.#readUnit(located.real, wanted)
    this.#byRealPath.set(located.real, reading)
    const read = await reading
    this.#found.set(key, read)
    return 'code' in read ? undefined : read
  }

  async #readUnit(real: string, { path, filename }: Wanted): Promise<FileUnit | ReadFailure> {
    const shown = await this.#shownName(join(dirname(filename), path), real)
    const isExcluded = (stats: Stats): boolean => this.#forbidden.has(fileId(stats))
    return readUnit(real, { filename: shown, path, isExcluded })
  }

  // As the user named the file that includes it: relative to the current folder, or absolute. Behind a symbolic link to a
  // folder or to a file, such a name may lead elsewhere.
  async #shownName(name: string, real: string): Promise<string> {
    if (!this.#namesArePaths) return name
    const found = await realpath(name).catch(() => undefined)
    if (found === real) return name
    return isAbsolute(name) ? real : relative('', real)
  }

  async #locate({ folder, path }: Wanted): Promise<{ real: string } | ReadFailure> {
    const refused = refusedPath(path)
    if (refused) return refused
    const file = join(folder, path)
    let real: string
    try {
      real = await realpath(file)
    } catch (error) {
      // A problem does not reveal whether a file exists outside the root.
      const paths = [await followLinks(dirname(file)), await followLinks(file)]
      const isInside = paths.every((path) => isWithin(this.#root, path))
      return isInside ? await missing(file, path, error) : outside(path, this.#root)
    }
    if (!isWithin(this.#root, real)) return outside(path, this.#root)
    const inRoot = relative(this.#root, real).split(sep).join('/')
    if (this.#forbidden.has(real) || isPrivateName(inRoot) || isInRepositoryFolder(inRoot))
      return secret(path)
    return { real }
  }
}

interface Wanted {
  readonly folder: string
  readonly path: string
  /** The name of the file that names it. */
  readonly filename: string
}

function wantedBy(nodes: readonly Node[], { parsed, folder }: FileUnit): Wanted[] {
  return nodes.flatMap((node) => {
    const spec = specOf(node)
    return spec ? [{ folder, path: spec.path, filename: parsed.source.filename }] : []
  })
}

function keyOf(folder: string, path: string): string {
  return `${folder}\0${path}`
}

async function realRoot(given: string | URL | undefined, folder: string): Promise<string> {
  if (given === undefined) return projectRoot(folder)
  const path = given instanceof URL ? fileURLToPath(given) : absolutePath(given)
  const stats = await stat(path).catch(() => undefined)
  if (stats?.isDirectory()) return realpath(path)
  const found = stats ? `"${path}" is not a folder` : `There is no folder "${path}"`
  const message = `${found}: name one in "--include-root" or "includeRoot"`
  throw new ResourceError(message, { code: 'NO_FOLDER' })
}

// The real path and, for hard links to it, the id of a file.
async function namesOf(path: string): Promise<string[]> {
  const real = await realpath(path).catch(() => resolve(path))
  const stats = await stat(real).catch(() => undefined)
  return stats ? [real, fileId(stats)] : [real]
}

const mostLinks = 40

// Where a path leads, although there may be no file.
async function followLinks(path: string, links = 0): Promise<string> {
  const real = await realpath(path).catch(() => undefined)
  if (real !== undefined || dirname(path) === path) return real ?? path
  const folder = await followLinks(dirname(path), links)
  const target = await readlink(join(folder, basename(path))).catch(() => undefined)
  if (target === undefined || links === mostLinks) return join(folder, basename(path))
  return followLinks(resolve(folder, target), links + 1)
}

function isWithin(root: string, file: string): boolean {
  return file === root || file.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)
}

function refusedPath(path: string): ReadFailure | undefined {
  const shown = quoted(path)
  if (/^(?:\/|[A-Za-z]:|~)/.test(path)) {
    const message = `Path ${shown} is not relative: write the path from the folder of this file`
    return { code: 'INCLUDE_PATH', message }
  }
  if (path.includes('\\') || path.includes('\0')) {
    const message = `Path ${shown} has ${path.includes('\0') ? 'a NUL character' : 'a "\\"'} in it: write "/" between folders`
    return { code: 'INCLUDE_PATH', message }
  }
  if (/\.(?:yaml|yml|json)$/.test(path)) return undefined
  const message = `${shown} is not a YAML or JSON file: only names that end with ".yaml", ".yml" or ".json" can be included`
  return { code: 'INCLUDE_PATH', message }
}

async function missing(file: string, path: string, cause: unknown): Promise<ReadFailure> {
  const { code } = cause as NodeJS.ErrnoException
  if (code !== 'ENOENT' && code !== 'ENOTDIR') return unreadable(path, code)
  const siblings = await readdir(dirname(file)).catch((): string[] => [])
  // The name of a symbolic link that leads nowhere.
  if (siblings.includes(basename(file)) && code === 'ENOENT')
    return { code: 'NO_FILE', message: `${quoted(path)} is a symbolic link to a file that does not exist` }
  const meant = nearest(basename(file), siblings)
  const remedy =
    meant === undefined ? ': the path starts at the folder of this file' : `: did you mean "${meant}"?`
  const hint = meant === undefined ? undefined : path.slice(0, path.lastIndexOf('/') + 1) + meant
  return { code: 'NO_FILE', message: `There is no file ${quoted(path)}${remedy}`, hint }
}

function outside(path: string, root: string): ReadFailure {
  const message = `${quoted(path)} is outside "${root}", and nothing outside is included: name a folder that contains it in "--include-root" or "includeRoot"`
  return { code: 'INCLUDE_OUTSIDE', message }
}

function secret(path: string): ReadFailure {
  const message = `${quoted(path)} may contain secrets, so it cannot be included: pass secrets with "--secrets" or "secrets"`
  return { code: 'INCLUDE_SECRET', message }
}

function unreadable(path: string, code: string | undefined): ReadFailure {
  return { code: 'UNREADABLE', message: `${quoted(path)} ${explainReadError({ code })}` }
}

function tooManyFiles(): ReadFailure {
  const message = `A file is made of more than ${maxFiles.toLocaleString('en')} files: include fewer`
  return { code: 'INCLUDE_LIMIT', message }
}

function quoted(path: string): string {
  return `"${path.length > 200 ? `${path.slice(0, 199)}…` : path}"`
}

async function readUnit(
  real: string,
  names: { filename: string; path: string; isExcluded: (stats: Stats) => boolean },
): Promise<FileUnit | ReadFailure> {
  const { filename, path, isExcluded } = names
  try {
    const bytes = await readRegular(real, { limit: maxBytes, isReal: true, isExcluded })
    if (typeof bytes === 'string') return refusedFile(path, bytes)
    const text = decodeUtf8(bytes, filename)
    // The frame of a syntax error would show lines of an INI file.
    if (isPrivateKey(text) || isIni(text)) return secret(path)
    return { parsed: parse(text, filename), folder: dirname(real) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return missing(real, path, error)
    return code === 'NOT_UTF8' ? { code, message } : unreadable(path, code ?? message)
  }
}

function refusedFile(path: string, reason: RefusedFile): ReadFailure {
  const shown = quoted(path)
  switch (reason) {
    case 'a folder':
      return { code: 'IS_FOLDER', message: `${shown} is a folder: name the YAML file in it` }
    case 'not a regular file':
      return { code: 'UNREADABLE', message: `${shown} is not a regular file: include a file` }
    case 'changing':
      return { code: 'UNREADABLE', message: `${shown} is being written: try again` }
    case 'too large':
      return tooLarge(path)
    case 'excluded':
      return secret(path)
  }
}

function tooLarge(path: string): ReadFailure {
  const message = `${quoted(path)} is larger than ${maxBytes >> 20} MiB: include smaller files`
  return { code: 'INCLUDE_LIMIT', message }
}
