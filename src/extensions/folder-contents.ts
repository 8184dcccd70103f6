import { createHash } from 'node:crypto'
import { lstat, readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

const ignored = new Set(['node_modules', '.git'])

/** Whether a path belongs to an extension itself: neither its dependencies nor its history. */
export function isContent(name: string): boolean {
  return !ignored.has(name)
}

/** One hash of all files of a folder, `sha512-...`: their paths and bytes, and of a link where it leads. */
export async function hashOfFolder(folder: string): Promise<string> {
  const hash = createHash('sha512')
  for await (const { path, isLink } of filesOf(folder, isContent))
    if (isLink) hash.update(`link\0${path}\0${await readlink(join(folder, path))}`)
    else hash.update(`${path}\0`).update(await digestOf(join(folder, path)))
  return `sha512-${hash.digest('base64')}`
}

/** The first link of a folder that leads to what {@link hashOfFolder} does not see. */
export async function linkToElsewhere(folder: string): Promise<string | undefined> {
  for await (const { path, isLink } of filesOf(folder, isContent))
    if (isLink && !(await isHashed(folder, join(folder, path)))) return path
  return undefined
}

/** Whether a path, followed through links, is one of those that {@link hashOfFolder} sees. */
export async function isHashed(folder: string, path: string): Promise<boolean> {
  const steps = await stepsWithin(folder, path)
  return steps?.every(isContent) ?? false
}

/** The way from a folder to a path, both followed through links; `undefined` where the path lies outside, or nowhere. */
export async function stepsWithin(folder: string, path: string): Promise<string[] | undefined> {
  const real = await realpath(path).catch(() => undefined)
  const steps = real === undefined ? ['..'] : relative(await realpath(folder), real).split(sep)
  return steps[0] === '..' ? undefined : steps
}

/** The SHA-512 of a file. */
export async function digestOf(file: string): Promise<Buffer> {
  return createHash('sha512')
    .update(await readFile(file))
    .digest()
}

/** A file or link of a folder; `path` is relative to it, with `/` between its steps. */
interface FoundFile {
  readonly path: string
  readonly isLink: boolean
}

/** The files and links of a folder by name, links not followed. */
export async function* filesOf(
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

/** How many bytes a folder takes, dependencies included; links are not followed. */
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
