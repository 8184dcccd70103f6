import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ownRoot } from './own-root.js'
import type { Resolved } from './resolved.js'

/** What lies beside an installed extension and tells of it. */
interface StoredExtension {
  readonly source: string
  readonly resolved: Resolved
  readonly bytes: number
}

/** The file that an installed extension has beside it. */
export const manifestName = 'extension.json'

/** The folder of everything that was installed: `~/.flambeau/extensions`. */
export function storeRoot(): string {
  return join(homedir(), '.flambeau', 'extensions')
}

/** A new folder beside the installed ones, whose name tells the process that works in it; it goes when `body` ends. */
export async function inWorkFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(storeRoot(), `work-${process.pid}-${randomUUID()}`)
  await mkdir(folder, { recursive: true })
  try {
    return await body(folder)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/**
 * The folder that an extension is installed in, or would be. Install scripts may change what is in it, and each copy
 * of flambeau is linked into its own.
 */
export function placeFor(resolved: Resolved, scripts: boolean): string {
  const { commit, folder, integrity } = resolved
  return join(storeRoot(), `at-${hashOf([commit, folder, integrity, scripts, ownRoot()])}`)
}

/** Whether an extension is installed. */
export async function isInstalled(place: string): Promise<boolean> {
  return markUsed(join(place, manifestName))
}

// What is used is not pruned. A file that is not there was never used.
async function markUsed(file: string): Promise<boolean> {
  if (!existsSync(file)) return false
  const now = new Date()
  await utimes(file, now, now).catch(() => {})
  return true
}

/**
 * Moves a finished folder to its place, in one step: it is there as a whole or not at all. Where another process was
 * faster, its work stays, which is the same.
 */
export async function putInPlace(folder: string, place: string, manifest: StoredExtension): Promise<void> {
  await writeFile(join(folder, manifestName), JSON.stringify(manifest, null, 2))
  await rename(folder, place).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
}

/** What a source resolved to when it was installed last. */
export async function remembered(source: string): Promise<Resolved | undefined> {
  const note = noteOf(source)
  if (!(await markUsed(note))) return undefined
  return JSON.parse(await readFile(note, 'utf8')) as Resolved
}

/** Remembers what a source resolved to. */
export async function remember(source: string, resolved: Resolved): Promise<void> {
  const draft = join(storeRoot(), `work-${process.pid}-${randomUUID()}`)
  await writeFile(draft, JSON.stringify(resolved))
  await rename(draft, noteOf(source))
}

function noteOf(source: string): string {
  return join(storeRoot(), `source-${hashOf([source])}.json`)
}

function hashOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
