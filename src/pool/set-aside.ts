import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Moves what an earlier run has left in a folder into a folder of its own below it, `old/TIME`; nothing is deleted.
 * Returns where that is, or nothing when there was nothing to move.
 */
export async function setAside(folder: string, names: readonly string[]): Promise<string | undefined> {
  const found = names.filter((name) => existsSync(join(folder, name)))
  if (found.length === 0) return undefined
  const aside = join(folder, 'old', new Date().toISOString().replace(/[:.]/g, '-'))
  await mkdir(aside, { recursive: true })
  for (const name of found) await rename(join(folder, name), join(aside, name))
  return aside
}
