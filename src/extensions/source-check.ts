import { existsSync } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Suggester } from '../registry/suggest.js'
import { ExtensionFailure } from './extension-failure.js'
import { isHashed, linkToElsewhere } from './integrity.js'
import { entryOf, readPackageJson } from './package-json.js'
import type { ExtensionSource } from './source.js'

/**
 * Checks that a source on this machine exists; a remote source passes.
 *
 * @throws {@link ExtensionFailure} with the nearest name, if there is one.
 */
export async function expectLocal(source: ExtensionSource, suggester = new Suggester()): Promise<void> {
  if (source.kind === 'folder' && !(await isFolder(source.path)))
    throw await missingPath(source.path, suggester)
  if (source.kind === 'tarball' && !source.remote && !existsSync(source.spec))
    throw await missingPath(source.spec, suggester)
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

async function missingPath(path: string, suggester: Suggester): Promise<ExtensionFailure> {
  if (existsSync(path))
    return new ExtensionFailure(
      'EXTENSION_NOT_FOUND',
      `is not a folder: "${path}" is a file; write the folder that contains it`,
    )
  const siblings = suggester.isExhausted ? [] : await readdir(dirname(path)).catch(() => [])
  const meant = suggester.nearest(basename(path), siblings)
  const remedy =
    meant === undefined ? 'paths are relative to the file that declares it' : `did you mean "${meant}"?`
  return new ExtensionFailure('EXTENSION_NOT_FOUND', `was not found: "${path}" does not exist; ${remedy}`)
}

/**
 * Checks that the hash of a folder covers everything that is imported from it; other sources pass.
 *
 * @throws {@link ExtensionFailure} when a link or the entry module is outside the hashed files.
 */
export async function expectPinnable(source: ExtensionSource): Promise<void> {
  if (source.kind !== 'folder') return
  const folder = await realpath(source.path)
  await expectPinnedLinks(folder)
  await expectPinnedEntry(folder)
}

async function expectPinnedLinks(folder: string): Promise<void> {
  const link = await linkToElsewhere(folder)
  if (link === undefined) return
  throw new ExtensionFailure(
    'NOT_PINNED',
    `cannot be pinned: its link "${link}" points outside the hashed files; replace it by a copy, or make its target a dependency`,
  )
}

async function expectPinnedEntry(folder: string): Promise<void> {
  const entry = await builtEntryOf(folder)
  if (entry === undefined || (await isHashed(folder, fileURLToPath(entry)))) return
  throw new ExtensionFailure(
    'NOT_PINNED',
    `cannot be pinned: its module "${fileURLToPath(entry)}" is outside the hashed files of "${folder}"; set "main" or "exports" to a module that is among them`,
  )
}

// A folder can be locked before it is built: an install with scripts builds it.
async function builtEntryOf(folder: string): Promise<string | undefined> {
  try {
    return await entryOf(folder, await readPackageJson(folder))
  } catch (error) {
    if (error instanceof ExtensionFailure && error.code === 'NOT_BUILT') return undefined
    throw error
  }
}
