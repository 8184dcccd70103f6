import { mkdir, readdir, rename, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Names of what a run makes in a folder, by the folder below it in which they are: `''` for itself. */
export type MadeNames = Readonly<Record<string, RegExp>>

/**
 * Moves what an earlier run has made in a folder into a folder of its own below it, `old/TIME`. Nothing is deleted, and
 * what others have put there stays.
 */
export async function setAside(folder: string, made: MadeNames): Promise<void> {
  const aside = join(folder, 'old', new Date().toISOString().replace(/[:.]/g, '-'))
  for (const [below, pattern] of Object.entries(made)) {
    const from = join(folder, below)
    const names = (await readdir(from).catch(() => [])).filter((name) => pattern.test(name))
    if (names.length === 0) continue
    await mkdir(join(aside, below), { recursive: true })
    for (const name of names) await rename(join(from, name), join(aside, below, name))
    // Unless something else is in it.
    if (below !== '') await rmdir(from).catch(() => {})
  }
}
