import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { ClusterConfigurationError } from '../../errors.js'
import { isPersonal } from '../../util/paths.js'
import type { PrivateFiles } from '../../util/private-files.js'
import { entriesOf, type PlacedPackage, readManifest, withDependencies } from './dependencies.js'
import { gitIgnores, type Ignores, ignoreFile, readIgnores, requiredPaths } from './ignore.js'

/** Files of an installed package that only compilers use. */
export const notRun = /\.(?:d\.[cm]?ts|map)$/i

/** Options of {@link packageFiles}. */
interface PackageOptions {
  readonly privateFiles: PrivateFiles
  /** The imported modules, as paths within the package. */
  readonly modules?: readonly string[]
}

/**
 * Lists the files of a user's package and its runtime dependencies that are sent, except flambeau, which the host has
 * already. Linked packages, such as workspaces, are outside of `node_modules` and follow the rules of the package
 * itself.
 *
 * @throws `ClusterConfigurationError` when it is a home folder, a link leads out of it, or a dependency is missing.
 */
export async function packageFiles(folder: string, options: PackageOptions): Promise<PackageFiles> {
  const all: PackageFiles = { files: [], withheld: [] }
  for (const placed of await withDependencies(folder, { provided: ['flambeau'] })) {
    if (isPersonal(placed.folder)) throw personal(placed.folder)
    const { files, withheld } = await filesOfPackage(placed.folder, await rulesOf(placed, options))
    all.files.push(...files.map((file) => ({ ...file, path: join(placed.path, file.path) })))
    all.withheld.push(...withheld.map((path) => join(placed.path, path)))
  }
  return all
}

function rulesOf(placed: PlacedPackage, options: PackageOptions): Promise<PackageRules> | PackageRules {
  return /[\\/]node_modules[\\/]/.test(placed.folder) && placed.path !== ''
    ? rulesOfInstalled(options)
    : rulesOfOwn(placed, options)
}

function rulesOfInstalled({ privateFiles }: PackageOptions): PackageRules {
  const ignores: Ignores = (path) => /(?:^|\/)node_modules(?:\/|$)/.test(path) || notRun.test(path)
  return { privateFiles, ignores, addRepository: async () => undefined }
}

async function rulesOfOwn(
  { folder, path: placedPath }: PlacedPackage,
  options: PackageOptions,
): Promise<PackageRules> {
  const { privateFiles, modules = [] } = options
  const own = await readIgnores(folder, ['node_modules', '.flambeau'])
  const ignored = await gitIgnores(folder)
  const entries = [...entriesOf(await readManifest(folder)), ...(placedPath === '' ? modules : [])]
  const needed = requiredPaths(folder, entries, ignored)
  const repositories: (readonly [prefix: string, ignores: Ignores])[] = []
  const ignoredInRepository: Ignores = (path) =>
    repositories.some(
      ([prefix, ignores]) => path.startsWith(prefix) && path !== prefix && ignores(path.slice(prefix.length)),
    )
  return {
    privateFiles,
    ignores: (path) => own(path) || (!needed(path) && (ignored(path) || ignoredInRepository(path))),
    addRepository: async (path) => {
      repositories.push([`${path}/`, await gitIgnores(join(folder, path))])
    },
  }
}

function personal(folder: string): ClusterConfigurationError {
  const message = `"${folder}" is a home folder, or contains home folders or SSH keys, so it is never sent: move the modules to a folder of their own that has a package.json`
  return new ClusterConfigurationError(message, { code: 'PERSONAL_FOLDER' })
}

/** A file that is sent to hosts. */
export interface PackageFile {
  /** The path within the package, with `/`. */
  readonly path: string
  /** The path on this machine. */
  readonly source: string
  readonly size: number
  /** For a file that was compiled: the path of what it was compiled of, within the package. */
  readonly compiledOf?: string
}

/** The files of a package that are sent, and those that are withheld because they are private. */
export interface PackageFiles {
  readonly files: PackageFile[]
  readonly withheld: string[]
}

/** The rules that decide which files of a package are sent. */
interface PackageRules {
  readonly ignores: Ignores
  /** Adds the rules of a nested git repository. */
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
 * @throws `ClusterConfigurationError` for a symbolic link that leads out of the package, and for a file that cannot
 * be read.
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

  /** `parents` lists the real paths of the folders above: a link to one of them would be a cycle. */
  async enter(folder: WalkEntry, parents: readonly string[]): Promise<void> {
    if (parents.includes(folder.real)) return
    const entries = await this.#read(folder)
    if (folder.path !== '' && entries.some(({ name }) => name === '.git'))
      await this.rules.addRepository(folder.path)
    for (const entry of entries) await this.#visit(folder, entry, [...parents, folder.real])
  }

  async #visit(folder: WalkEntry, entry: Dirent, parents: readonly string[]): Promise<void> {
    const { name } = entry
    const path = folder.path === '' ? name : `${folder.path}/${name}`
    const source = join(folder.source, name)
    const isLink = entry.isSymbolicLink()
    if (this.rules.ignores(entry.isDirectory() ? `${path}/` : path)) return
    const stats = await stat(source).catch((error) => this.#absent(path, error))
    const isFolder = stats?.isDirectory() ?? false
    if (!stats || !(isFolder || stats.isFile()) || (isFolder && this.rules.ignores(`${path}/`))) return
    const real = isLink ? await realpath(source) : join(folder.real, name)
    const walked = { path, source, real }
    const suffix = isFolder ? '/' : ''
    if (this.rules.privateFiles.has(stats) || this.#isNamed(walked, suffix)) this.withheld.push(path + suffix)
    else if (this.#isIgnoredTarget(walked, suffix)) return
    else if (isFolder) await this.enter(walked, parents)
    else await this.#add(walked, stats.size)
  }

  #isNamed({ path, real }: WalkEntry, suffix: string): boolean {
    const { privateFiles } = this.rules
    const target = this.#pathOf(real)
    return (
      privateFiles.isNamed(path + suffix) || (target !== undefined && privateFiles.isNamed(target + suffix))
    )
  }

  // An ignored file must not be sent under the name of a link to it.
  #isIgnoredTarget({ path, real }: WalkEntry, suffix: string): boolean {
    if (real === this.root) return false
    const target = this.#pathOf(real)
    if (target === undefined) throw leavesPackage(this.root, path, real)
    return target !== path && this.rules.ignores(target + suffix)
  }

  #pathOf(real: string): string | undefined {
    const path = relative(this.root, real).split(sep).join('/')
    return path === '' || path === '..' || path.startsWith('../') ? undefined : path
  }

  async #add({ path, source }: WalkEntry, size: number): Promise<void> {
    const isPrivate = await this.rules.privateFiles
      .isLike(source, size)
      .catch((error) => this.#unreadable(path, error))
    if (isPrivate) this.withheld.push(path)
    else this.files.push({ path, source, size })
  }

  async #read({ path, source }: WalkEntry): Promise<Dirent[]> {
    const entries = await readdir(source, { withFileTypes: true }).catch((error) =>
      this.#unreadable(path, error),
    )
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  // A dangling link is skipped. A name that is not UTF-8 does not name its file once it is decoded.
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
  const message = `"${join(root, path)}" is a link to "${target}", outside of the package "${root}" that is sent: move the target into the package, or write "/${path}" into "${join(root, ignoreFile)}"`
  return new ClusterConfigurationError(message, { code: 'LINK_OUT_OF_PACKAGE' })
}
