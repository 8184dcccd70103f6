import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { ClusterConfigurationError } from '../../errors.js'
import { expandGlob } from '../../util/glob.js'
import { isPersonal, projectRoot } from '../../util/paths.js'
import type { PrivateFiles } from '../../util/private-files.js'
import { isInRepositoryFolder } from '../../util/private-names.js'
import type { BundlePart } from './bundle.js'
import type { PackageFile } from './package-files.js'

/** A path or a pattern of files that a run needs; `!` at its start excludes what it matches. */
export interface FilePattern {
  /** Relative to the project, or absolute. */
  readonly pattern: string
  /** What names it, for messages. */
  readonly origin: string
}

/** The files that a run needs besides its code. */
export interface RunFiles {
  readonly part: BundlePart
  /** The counterpart of the current folder on a host, as a path within the project; empty for the project itself. */
  readonly folder: string
}

/** The project, from which relative patterns start: the nearest folder upwards that has a `package.json`. */
export function currentProject(): string {
  return projectRoot(process.cwd())
}

/**
 * Lists the files of a project that patterns name; nothing without patterns. Ignored files count: naming them is explicit.
 *
 * @throws `ClusterConfigurationError` with everything that cannot be sent: patterns without a match, paths outside of the
 * project, and private files.
 */
export async function collectRunFiles(
  project: string,
  patterns: readonly FilePattern[],
  privateFiles: PrivateFiles,
): Promise<RunFiles | undefined> {
  if (patterns.length === 0) return undefined
  if (isPersonal(project)) throw personal(project)
  const selection = new FileSelection(await realpath(project), privateFiles)
  await selection.addAll(patterns)
  const [problem] = selection.problems
  if (problem)
    throw new ClusterConfigurationError(selection.problems.map(({ message }) => message).join('\n'), {
      code: problem.code,
    })
  const files = [...selection.files.values()]
  const part = {
    name: 'the files of the run',
    folder: selection.project,
    files,
    withheld: [],
    isRunFiles: true,
  }
  return { part, folder: pathWithin(selection.project, process.cwd()) ?? '' }
}

interface Problem {
  readonly code: string
  readonly message: string
}

class FileSelection {
  readonly files = new Map<string, PackageFile>()
  readonly problems: Problem[] = []
  readonly #excluded = new Set<string>()

  constructor(
    readonly project: string,
    readonly privateFiles: PrivateFiles,
  ) {}

  async addAll(patterns: readonly FilePattern[]): Promise<void> {
    const isExclusion = ({ pattern }: FilePattern): boolean => pattern.startsWith('!')
    for (const { pattern } of patterns.filter(isExclusion))
      for (const path of await this.#excludedBy(pattern.slice(1))) this.#excluded.add(path)
    for (const each of patterns) if (!isExclusion(each)) await this.#add(each)
  }

  // What is outside of the project is not sent anyway.
  async #excludedBy(pattern: string): Promise<readonly string[]> {
    const path = this.#relative(pattern)
    return path === undefined ? [] : this.#expand(path)
  }

  async #add(named: FilePattern): Promise<void> {
    if (named.pattern === '') return this.#report('NO_FILE_TO_SEND', emptyPattern(named))
    const path = this.#relative(named.pattern)
    if (path === undefined) return this.#report('FILE_OUTSIDE_PROJECT', outside(named, this.project))
    const before = this.problems.length
    let count = 0
    const found = await this.#expand(path)
    for (const each of found) count += await this.#visit(each, await this.#foldersAbove(each))
    if (count > 0 || this.problems.length > before) return
    const isFound = found.some((each) => !this.#excluded.has(each))
    this.#report('NO_FILE_TO_SEND', isFound ? noFileIn(named, path) : noMatch(named, path, this.project))
  }

  async #expand(path: string): Promise<readonly string[]> {
    if (path === '') return ['']
    const found = expandGlob(this.project, path)
    return (await found.catch((error) => this.#unreadable(relative(this.project, error.path), error))) ?? []
  }

  /** The real paths of the folders above a path, from the project on. */
  #foldersAbove(path: string): Promise<string[]> {
    const steps = path.split('/').map((_, index, all) => all.slice(0, index).join('/'))
    return Promise.all(path === '' ? [] : steps.map((step) => realpath(join(this.project, step))))
  }

  #relative(pattern: string): string | undefined {
    return pathWithin(this.project, resolve(this.project, pattern))
  }

  /** Adds a file, or all files of a folder; returns how many. `parents` are the real paths of the folders above. */
  async #visit(path: string, parents: readonly string[]): Promise<number> {
    if (this.#excluded.has(path)) return 0
    const source = join(this.project, path)
    const stats = await stat(source).catch((error) => this.#unreadable(path, error))
    if (!stats || !(stats.isDirectory() || stats.isFile())) return 0
    const real = await realpath(source)
    if (parents.includes(real)) return 0
    const target = pathWithin(this.project, real)
    if (target === undefined)
      return this.#refuse('LINK_OUT_OF_PROJECT', leavesProject(path, real, this.project))
    const suffix = stats.isDirectory() ? '/' : ''
    const names = [path + suffix, target + suffix]
    const isPrivate =
      this.privateFiles.has(stats) ||
      names.some((name) => this.privateFiles.isNamed(name) || isInOwnFolder(name)) ||
      (stats.isFile() && (await this.#isLikePrivate(path, stats.size)))
    if (isPrivate) return this.#refuse('PRIVATE_FILE', privateFile(path + suffix))
    if (stats.isDirectory()) return this.#enter(path, [...parents, real])
    this.files.set(path, { path, source, size: stats.size })
    return 1
  }

  async #enter(folder: string, parents: readonly string[]): Promise<number> {
    const names = await readdir(join(this.project, folder)).catch((error) => this.#unreadable(folder, error))
    let count = 0
    for (const name of (names ?? []).sort())
      if (!notData.has(name)) count += await this.#visit(folder === '' ? name : `${folder}/${name}`, parents)
    return count
  }

  async #isLikePrivate(path: string, size: number): Promise<boolean> {
    const isLike = this.privateFiles.isLike(join(this.project, path), size)
    return (await isLike.catch((error) => this.#unreadable(path, error))) ?? false
  }

  // A dangling link is skipped, as in a package. A name that is not UTF-8 does not name its file once it is decoded.
  #unreadable(path: string, { code }: NodeJS.ErrnoException): undefined {
    const isAbsent = code === 'ENOENT' || code === 'ELOOP'
    if (isAbsent && path.includes('\ufffd'))
      this.#report('NAME_NOT_UTF8', `The name of "${path}" is not UTF-8, so it cannot be sent: rename it`)
    else if (!isAbsent)
      this.#report(
        'FILE_UNREADABLE',
        `"${path}" cannot be read (${code}), so it cannot be sent: change its owner or mode`,
      )
  }

  #refuse(code: string, message: string): 0 {
    this.#report(code, message)
    return 0
  }

  #report(code: string, message: string): void {
    if (!this.problems.some((each) => each.message === message)) this.problems.push({ code, message })
  }
}

// The records of runs, and what a version control system keeps.
function isInOwnFolder(path: string): boolean {
  return isInRepositoryFolder(path) || path.split('/').includes('.flambeau')
}

/** What is skipped in a folder: no data of the user. */
const notData: ReadonlySet<string> = new Set([
  '.git',
  '.hg',
  '.svn',
  '.flambeau',
  'node_modules',
  '.DS_Store',
])

/** The path within a folder, with `/`; `undefined` for a path outside of it. */
function pathWithin(folder: string, path: string): string | undefined {
  const found = relative(folder, path).split(sep).join('/')
  return found === '..' || found.startsWith('../') ? undefined : found
}

function outside({ pattern, origin }: FilePattern, project: string): string {
  return `"${pattern}", which ${origin} names, is outside of the project "${project}", so it cannot be sent: move or copy it into the project, or put a package.json into a folder that contains both`
}

function emptyPattern({ origin }: FilePattern): string {
  return `A path that ${origin} names is empty: write "." for all files of a folder`
}

function noFileIn({ origin }: FilePattern, path: string): string {
  return `"${path || '.'}", which ${origin} names, contains no file to send: empty folders, pipes, sockets and devices are not sent, so create them in the run`
}

function noMatch({ origin }: FilePattern, path: string, project: string): string {
  return `No file in "${project}" matches "${path || '.'}", which ${origin} names: paths are relative to this folder`
}

function privateFile(path: string): string {
  return `"${path}" is private, so it is never sent to a host: name the other files only, or exclude it with "!${path.replace(/\/$/, '')}"; pass secrets with "--secrets"`
}

function leavesProject(path: string, target: string, project: string): string {
  return `"${path}" is a link to "${target}", outside of the project "${project}", so it cannot be sent: copy the target into the project`
}

function personal(project: string): ClusterConfigurationError {
  const message = `"${project}" is a home folder, or contains home folders or SSH keys, so nothing in it is sent: move the files to a folder of their own that has a package.json`
  return new ClusterConfigurationError(message, { code: 'PERSONAL_FOLDER' })
}
