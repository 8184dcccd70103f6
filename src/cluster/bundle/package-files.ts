import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { ClusterConfigurationError } from '../../errors.js'
import { isPersonal, packageRoot } from '../../util/paths.js'
import { readTree, type Tree, treeOfFiles } from '../protocol/tree.js'
import { entriesOf, type PlacedPackage, readManifest, withDependencies } from './dependencies.js'
import { gitIgnores, type Ignores, ignoreFile, readIgnores, requiredPaths } from './ignore.js'
import type { PrivateFiles } from './private-files.js'

/** What of an installed package serves compilers only. */
const notRun = /\.(?:d\.[cm]?ts|map)$/i

/** Of what this package needs, what is for browsers, a third of all files, and what is for people, as well. */
const isNotForNode: Ignores = (path) =>
  /(?:^|\/)node_modules\//.test(path) || notRun.test(path) || /^browser\/|\.(?:html|md|markdown)$/i.test(path)

/** Of this package itself, `dist` and what says what it is. */
const isNotShipped: Ignores = (path) => !/^(?:dist\/|package\.json$)/.test(path) || notRun.test(path)

let ownTreePromise: Promise<Tree> | undefined

/** This package, at this very version, with all that it needs to run; read once in a process. */
export function ownTree(): Promise<Tree> {
  ownTreePromise ??= readOwnTree()
  return ownTreePromise
}

async function readOwnTree(): Promise<Tree> {
  const found: { path: string; source: string }[] = []
  for (const { folder, place } of await withDependencies(packageRoot())) {
    const { files, sources } = await readTree(folder, {
      ignore: place === '' ? isNotShipped : isNotForNode,
      hashed: false,
    })
    // What this package needs stands beside it: programs find the helpers of compilers there, such as "tslib".
    const at = place === '' ? 'node_modules/flambeau' : place
    for (const [index, { path }] of files.entries())
      found.push({ path: join(at, path), source: sources[index]! })
  }
  return treeOfFiles(found)
}

/** How {@link packageFiles} looks at a package. */
interface PackageOptions {
  readonly privateFiles: PrivateFiles
  /** Paths within the package of the modules that are imported. */
  readonly modules?: readonly string[]
}

/**
 * What goes of a user's package, with all that it needs to run but flambeau, which is there already. Packages that are
 * linked to, as workspaces are, lie in no `node_modules`: what holds for the package itself holds for them.
 *
 * @throws `ClusterConfigurationError` when it is a home folder, links lead out of it, or it lacks a dependency.
 */
export async function packageFiles(folder: string, options: PackageOptions): Promise<PackageFiles> {
  const all: PackageFiles = { files: [], withheld: [] }
  for (const placed of await withDependencies(folder, ['flambeau'])) {
    if (isPersonal(placed.folder)) throw personal(placed.folder)
    const { files, withheld } = await filesOfPackage(placed.folder, await rulesOf(placed, options))
    all.files.push(...files.map((file) => ({ ...file, path: join(placed.place, file.path) })))
    all.withheld.push(...withheld.map((path) => join(placed.place, path)))
  }
  return all
}

function rulesOf(placed: PlacedPackage, options: PackageOptions): Promise<PackageRules> | PackageRules {
  return /[\\/]node_modules[\\/]/.test(placed.folder) && placed.place !== ''
    ? rulesOfInstalled(options)
    : rulesOfOwn(placed, options)
}

function rulesOfInstalled({ privateFiles }: PackageOptions): PackageRules {
  const ignores: Ignores = (path) => /(?:^|\/)node_modules(?:\/|$)/.test(path) || notRun.test(path)
  return { privateFiles, ignores, addRepository: async () => undefined }
}

async function rulesOfOwn({ folder, place }: PlacedPackage, options: PackageOptions): Promise<PackageRules> {
  const { privateFiles, modules = [] } = options
  const own = await readIgnores(folder, ['node_modules', '.flambeau'])
  const ignored = await gitIgnores(folder)
  const entries = [...entriesOf(await readManifest(folder)), ...(place === '' ? modules : [])]
  const needed = requiredPaths(folder, entries, ignored)
  const nested: (readonly [prefix: string, ignores: Ignores])[] = []
  return {
    privateFiles,
    ignores: (path) =>
      own(path) ||
      (!needed(path) &&
        (ignored(path) ||
          nested.some(
            ([prefix, ignores]) =>
              path.startsWith(prefix) && path !== prefix && ignores(path.slice(prefix.length)),
          ))),
    addRepository: async (path) => {
      nested.push([`${path}/`, await gitIgnores(join(folder, path))])
    },
  }
}

function personal(folder: string): ClusterConfigurationError {
  const message = `"${folder}" is a home folder, or holds others or keys of SSH, and is never sent: put the modules into a folder of their own, with a package.json`
  return new ClusterConfigurationError(message, { code: 'PERSONAL_FOLDER' })
}

/** A file that goes to hosts. */
export interface PackageFile {
  /** Within the package, with `/`. */
  readonly path: string
  /** On this machine. */
  readonly source: string
  readonly size: number
}

/** What goes of a package, and what stays here because it is private. */
export interface PackageFiles {
  readonly files: PackageFile[]
  readonly withheld: string[]
}

/** What decides which files of a package go. */
interface PackageRules {
  readonly ignores: Ignores
  /** Adds what a repository of its own, in a folder of the package, ignores. */
  readonly addRepository: (path: string) => Promise<void>
  readonly privateFiles: PrivateFiles
}

interface WalkEntry {
  readonly path: string
  readonly source: string
  readonly real: string
}

/**
 * The files of a package.
 *
 * @throws `ClusterConfigurationError` for a link that leads out of it, and for what cannot be read.
 */
async function filesOfPackage(folder: string, rules: PackageRules): Promise<PackageFiles> {
  const real = await realpath(folder)
  const walk = new PackageWalk(real, rules)
  await walk.enter({ path: '', source: folder, real }, [])
  return walk
}

class PackageWalk implements PackageFiles {
  readonly files: PackageFile[] = []
  readonly withheld: string[] = []

  constructor(
    readonly root: string,
    readonly rules: PackageRules,
  ) {}

  /** `within` are the real folders above: a link to one of them is not followed. */
  async enter(folder: WalkEntry, within: readonly string[]): Promise<void> {
    if (within.includes(folder.real)) return
    const entries = await this.#read(folder)
    if (folder.path !== '' && entries.some(({ name }) => name === '.git'))
      await this.rules.addRepository(folder.path)
    for (const entry of entries) await this.#look(folder, entry, [...within, folder.real])
  }

  async #look(folder: WalkEntry, entry: Dirent, within: readonly string[]): Promise<void> {
    const { name } = entry
    const path = folder.path === '' ? name : `${folder.path}/${name}`
    const source = join(folder.source, name)
    const isLink = entry.isSymbolicLink()
    if (this.rules.ignores(entry.isDirectory() ? `${path}/` : path)) return
    const stats = await stat(source).catch((error) => this.#absent(path, error))
    const isFolder = stats?.isDirectory() ?? false
    if (!stats || !(isFolder || stats.isFile()) || (isFolder && this.rules.ignores(`${path}/`))) return
    const real = isLink ? await realpath(source) : join(folder.real, name)
    const at = { path, source, real }
    const ends = isFolder ? '/' : ''
    if (this.rules.privateFiles.has(stats) || this.#isNamed(at, ends)) this.withheld.push(path + ends)
    else if (this.#staysByTarget(at, ends)) return
    else if (isFolder) await this.enter(at, within)
    else await this.#take(at, stats.size)
  }

  #isNamed({ path, real }: WalkEntry, ends: string): boolean {
    const { privateFiles } = this.rules
    const target = this.#within(real)
    return privateFiles.isNamed(path + ends) || (target !== undefined && privateFiles.isNamed(target + ends))
  }

  // What stays here does not leave by another name.
  #staysByTarget({ path, real }: WalkEntry, ends: string): boolean {
    if (real === this.root) return false
    const target = this.#within(real)
    if (target === undefined) throw leavesPackage(this.root, path, real)
    return target !== path && this.rules.ignores(target + ends)
  }

  #within(real: string): string | undefined {
    const path = relative(this.root, real).split(sep).join('/')
    return path === '' || path === '..' || path.startsWith('../') ? undefined : path
  }

  async #take({ path, source }: WalkEntry, size: number): Promise<void> {
    const isLike = await this.rules.privateFiles
      .isLike(source, size)
      .catch((error) => this.#unreadable(path, error))
    if (isLike) this.withheld.push(path)
    else this.files.push({ path, source, size })
  }

  async #read({ path, source }: WalkEntry): Promise<Dirent[]> {
    const entries = await readdir(source, { withFileTypes: true }).catch((error) =>
      this.#unreadable(path, error),
    )
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  // A link to nothing is nothing. A name that cannot be decoded names no file.
  #absent(path: string, error: NodeJS.ErrnoException): undefined {
    if (error.code !== 'ENOENT' && error.code !== 'ELOOP') return this.#unreadable(path, error)
    if (!path.includes('\ufffd')) return undefined
    const message = `The name of "${path}" in "${this.root}" is not UTF-8, so it cannot be sent: rename it, or write "/${path.replaceAll('\ufffd', '?')}" into "${join(this.root, ignoreFile)}"`
    throw new ClusterConfigurationError(message, { code: 'NAME_NOT_UTF8' })
  }

  #unreadable(path: string, cause: NodeJS.ErrnoException): never {
    const message = `"${join(this.root, path)}" cannot be read (${cause.code}), so it cannot be sent: change its owner or mode, or write "/${path}" into "${join(this.root, ignoreFile)}"`
    throw new ClusterConfigurationError(message, { code: 'FILE_UNREADABLE', cause })
  }
}

function leavesPackage(root: string, path: string, target: string): ClusterConfigurationError {
  const message = `"${join(root, path)}" is a link to "${target}", outside of the package "${root}", which is sent: put what it needs into the package, or write "/${path}" into "${join(root, ignoreFile)}"`
  return new ClusterConfigurationError(message, { code: 'LINK_OUT_OF_PACKAGE' })
}
