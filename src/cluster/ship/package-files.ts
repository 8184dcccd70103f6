import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { ClusterConfigurationError } from '../../errors.js'
import type { Ignores } from './git-ignores.js'
import { ignoreFile } from './ignoring.js'
import type { PrivateFiles } from './private-files.js'

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
export interface PackageRules {
  readonly ignores: Ignores
  /** Adds what a repository of its own, in a folder of the package, ignores. */
  readonly addRepository: (path: string) => Promise<void>
  readonly privateFiles: PrivateFiles
}

interface At {
  readonly path: string
  readonly source: string
  readonly real: string
}

/**
 * The files of a package.
 *
 * @throws `ClusterConfigurationError` for a link that leads out of it, and for what cannot be read.
 */
export async function filesOfPackage(folder: string, rules: PackageRules): Promise<PackageFiles> {
  const real = await realpath(folder)
  const walk = new Walk(real, rules)
  await walk.enter({ path: '', source: folder, real }, [])
  return walk
}

class Walk implements PackageFiles {
  readonly files: PackageFile[] = []
  readonly withheld: string[] = []

  constructor(
    readonly root: string,
    readonly rules: PackageRules,
  ) {}

  /** `within` are the real folders above: a link to one of them is not followed. */
  async enter(folder: At, within: readonly string[]): Promise<void> {
    if (within.includes(folder.real)) return
    const entries = await this.#read(folder)
    if (folder.path !== '' && entries.some(({ name }) => name === '.git'))
      await this.rules.addRepository(folder.path)
    for (const entry of entries) await this.#look(folder, entry, [...within, folder.real])
  }

  async #look(folder: At, entry: Dirent, within: readonly string[]): Promise<void> {
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

  #isNamed({ path, real }: At, ends: string): boolean {
    const { privateFiles } = this.rules
    const target = this.#within(real)
    return privateFiles.isNamed(path + ends) || (target !== undefined && privateFiles.isNamed(target + ends))
  }

  // What stays here does not leave by another name.
  #staysByTarget({ path, real }: At, ends: string): boolean {
    if (real === this.root) return false
    const target = this.#within(real)
    if (target === undefined) throw leavesPackage(this.root, path, real)
    return target !== path && this.rules.ignores(target + ends)
  }

  #within(real: string): string | undefined {
    const path = relative(this.root, real).split(sep).join('/')
    return path === '' || path === '..' || path.startsWith('../') ? undefined : path
  }

  async #take({ path, source }: At, size: number): Promise<void> {
    const isLike = await this.rules.privateFiles
      .isLike(source, size)
      .catch((error) => this.#unreadable(path, error))
    if (isLike) this.withheld.push(path)
    else this.files.push({ path, source, size })
  }

  async #read({ path, source }: At): Promise<Dirent[]> {
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
