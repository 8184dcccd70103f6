import { createHash } from 'node:crypto'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const ignored = new Set(['node_modules', '.git'])

/** Whether a path belongs to an extension itself: neither its dependencies nor its history. */
export function isContent(name: string): boolean {
  return !ignored.has(name)
}

/** One hash of all files of a folder, `sha512-...`: their paths and bytes. */
export async function hashOfFolder(folder: string): Promise<string> {
  const hash = createHash('sha512')
  for await (const file of filesOf(folder))
    hash.update(`${file}\0`).update(await digestOf(join(folder, file)))
  return `sha512-${hash.digest('base64')}`
}

async function digestOf(file: string): Promise<Buffer> {
  return createHash('sha512')
    .update(await readFile(file))
    .digest()
}

async function* filesOf(folder: string, within = ''): AsyncGenerator<string> {
  const entries = await readdir(join(folder, within), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = within === '' ? entry.name : `${within}/${entry.name}`
    // In a worktree or submodule, ".git" is a file.
    if (!isContent(entry.name)) continue
    if (entry.isDirectory()) yield* filesOf(folder, path)
    else if (entry.isFile()) yield path
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
