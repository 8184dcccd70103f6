import { randomUUID } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sizeOfFolder } from './folder-contents.js'
import { manifestName } from './integrity.js'
import { storeRoot } from './store.js'

/** What a prune has removed. */
export interface Pruned {
  readonly removed: number
  readonly bytes: number
}

/** As the store names what it makes. */
const ownName = /^(?:at-[0-9a-f]{32}|source-[0-9a-f]{32}\.json|work-\d+-[0-9a-f-]{36})$/
const day = 24 * 60 * 60 * 1000

/**
 * Removes installed extensions that nobody has used for some days, and what broken installs have left.
 *
 * ```ts
 * const { removed, bytes } = await prune({ days: 30 })
 * ```
 */
export async function prune({ days = 30 }: { days?: number } = {}): Promise<Pruned> {
  const before = Date.now() - days * day
  const sizes: number[] = []
  for (const name of await stored()) {
    if (name.startsWith('work-') && !isAtWork(name)) await remove(name)
    if (name.startsWith('source-') && (await lastUsed(name)) <= before) await remove(name)
    if (name.startsWith('at-') && (await lastUsed(join(name, manifestName))) <= before)
      await remove(name, async (folder) => sizes.push(await sizeOfFolder(folder)))
  }
  return { removed: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

// What somebody else put there stays.
async function stored(): Promise<string[]> {
  const names = await readdir(storeRoot()).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return []
  })
  return names.filter((name) => ownName.test(name))
}

async function lastUsed(path: string): Promise<number> {
  return stat(join(storeRoot(), path)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}

// Out of its place in one step: nobody finds half of it there.
async function remove(name: string, look?: (aside: string) => Promise<unknown>): Promise<void> {
  const aside = join(storeRoot(), `work-${process.pid}-${randomUUID()}`)
  if (!(await moved(join(storeRoot(), name), aside))) return
  await look?.(aside)
  await rm(aside, { recursive: true, force: true })
}

// Another prune may have been faster: then it counts there.
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function isAtWork(name: string): boolean {
  try {
    return process.kill(Number(name.split('-')[1]), 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
