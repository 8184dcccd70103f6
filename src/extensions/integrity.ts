import { createHash } from 'node:crypto'
import { chmod, lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { packageRoot } from '../util/paths.js'

/** A file as it was installed: its size, modification time and SHA-512; for a link, its target. */
type InstalledFile = readonly [size: number, modified: number, digest: string] | string

/** Every file of an installed extension and its dependencies, by path. */
export type Contents = Readonly<Record<string, InstalledFile>>

/** The file that describes an installed extension and lists its other files. */
export const manifestName = 'extension.json'

/** Lists the installed files, and removes the permission of other users to write them. */
export async function listContents(folder: string): Promise<Contents> {
  await closeToOthers(folder)
  const contents: [string, InstalledFile][] = []
  for await (const { path, isLink } of filesOf(folder, () => true))
    if (path !== manifestName) contents.push([path, await describe(join(folder, path), isLink)])
  return Object.fromEntries(contents)
}

async function describe(file: string, isLink: boolean): Promise<InstalledFile> {
  if (isLink) return readlink(file)
  const { size, mtimeMs } = await lstat(file)
  return [size, mtimeMs, (await digestOf(file)).toString('base64')]
}

// npm creates files as the umask says, which may let others write.
async function closeToOthers(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await closeToOthers(path)
    else if (entry.isFile()) {
      const { mode } = await lstat(path)
      if ((mode & 0o022) !== 0) await chmod(path, mode & 0o755)
    }
  }
}

/**
 * Describes the first file of an installed extension that differs from what was installed; `undefined` when none does.
 * A file with the same size and modification time counts as the same, unless `everyByte` is set.
 */
export async function alterationOf(
  folder: string,
  contents: Contents,
  everyByte: boolean,
): Promise<string | undefined> {
  const missing = new Set(Object.keys(contents))
  for await (const { path, isLink } of filesOf(folder, () => true)) {
    if (path === manifestName) continue
    const installed = missing.delete(path) ? contents[path] : undefined
    if (installed === undefined) return `"${path}" was added`
    const isSame = isLink ? sameLink : sameFile
    if (!(await isSame(join(folder, path), installed, everyByte))) return `"${path}" was changed`
    if (isLink && everyByte && (await leadsOut(folder, path)))
      return `"${path}" links to another folder, which is not pinned`
  }
  const [first] = missing
  return first === undefined ? undefined : `"${first}" is missing`
}

async function sameLink(link: string, installed: InstalledFile): Promise<boolean> {
  return (await readlink(link)) === installed
}

async function sameFile(file: string, installed: InstalledFile, everyByte: boolean): Promise<boolean> {
  if (typeof installed === 'string') return false
  const [size, modified, digest] = installed
  const now = await lstat(file)
  if (now.size !== size) return false
  if (!everyByte && now.mtimeMs === modified) return true
  return (await digestOf(file)).toString('base64') === digest
}

// Two links out are expected: to this copy of flambeau, and from `.bin` to its command through the first.
async function leadsOut(folder: string, path: string): Promise<boolean> {
  const link = join(folder, path)
  if (await stepsWithin(folder, link)) return false
  const target = resolve(dirname(link), await readlink(link))
  if (target === packageRoot()) return false
  return !(target.startsWith(`${folder}${sep}`) && (await stepsWithin(packageRoot(), link)))
}

const ignored = new Set(['node_modules', '.git'])

/** Whether a name may be part of the content of an extension, which excludes dependencies and history. */
export function isContent(name: string): boolean {
  return !ignored.has(name)
}

/** One hash of all files of a folder, `sha512-...`: their paths and bytes; for a link, its target. */
export async function hashOfFolder(folder: string): Promise<string> {
  const hash = createHash('sha512')
  for await (const { path, isLink } of filesOf(folder, isContent))
    if (isLink) hash.update(`link\0${path}\0${await readlink(join(folder, path))}`)
    else hash.update(`${path}\0`).update(await digestOf(join(folder, path)))
  return `sha512-${hash.digest('base64')}`
}

/** The first link of a folder whose target {@link hashOfFolder} does not cover. */
export async function linkToElsewhere(folder: string): Promise<string | undefined> {
  for await (const { path, isLink } of filesOf(folder, isContent))
    if (isLink && !(await isHashed(folder, join(folder, path)))) return path
  return undefined
}

/** Whether {@link hashOfFolder} covers the real path of a file. */
export async function isHashed(folder: string, path: string): Promise<boolean> {
  const steps = await stepsWithin(folder, path)
  return steps?.every(isContent) ?? false
}

/** The names from a folder to a path, both resolved through links; `undefined` when the path is outside or absent. */
export async function stepsWithin(folder: string, path: string): Promise<string[] | undefined> {
  const real = await realpath(path).catch(() => undefined)
  const steps = real === undefined ? ['..'] : relative(await realpath(folder), real).split(sep)
  return steps[0] === '..' ? undefined : steps
}

async function digestOf(file: string): Promise<Buffer> {
  return createHash('sha512')
    .update(await readFile(file))
    .digest()
}

/** A file or link of a folder; `path` is relative to it, with `/` between its steps. */
interface FoundFile {
  readonly path: string
  readonly isLink: boolean
}

/** The files and links of a folder, sorted by name; links are not followed. */
async function* filesOf(
  folder: string,
  accept: (name: string) => boolean,
  within = '',
): AsyncGenerator<FoundFile> {
  const entries = await readdir(join(folder, within), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = within === '' ? entry.name : `${within}/${entry.name}`
    // In a worktree or submodule, ".git" is a file.
    if (!accept(entry.name)) continue
    if (entry.isDirectory()) yield* filesOf(folder, accept, path)
    else if (entry.isFile() || entry.isSymbolicLink()) yield { path, isLink: entry.isSymbolicLink() }
  }
}

/** The size of a folder in bytes, dependencies included; links are not followed. */
export async function sizeOfFolder(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true })
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? sizeOfFolder(path) : (await lstat(path)).size
    }),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
