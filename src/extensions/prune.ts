import { randomUUID } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sizeOfFolder } from './folder-contents.js'
import { manifestName, storeRoot } from './store.js'

/** What a prune has removed. */
export interface Pruned {
  readonly removed: number
  readonly bytes: number
}

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
  const names = await readdir(storeRoot()).catch(() => [])
  const sizes: number[] = []
  for (const name of names) {
    if (name.startsWith('work-') && !isAtWork(name)) await removeFolder(name)
    if (name.startsWith('source-') && (await lastUsed(name)) <= before) await removeFolder(name)
    if (name.startsWith('at-') && (await lastUsed(join(name, manifestName))) <= before) {
      sizes.push(await sizeOfFolder(join(storeRoot(), name)))
      await removeFolder(name)
    }
  }
  return { removed: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

async function lastUsed(path: string): Promise<number> {
  return stat(join(storeRoot(), path)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}

// Out of its place in one step: nobody finds half of it there. Another process may have done so before.
async function removeFolder(name: string): Promise<void> {
  const aside = join(storeRoot(), `work-${process.pid}-${randomUUID()}`)
  await rename(join(storeRoot(), name), aside).catch(() => {})
  await rm(aside, { recursive: true, force: true })
}

function isAtWork(name: string): boolean {
  try {
    return process.kill(Number(name.split('-')[1]), 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
