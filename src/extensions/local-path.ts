import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { didYouMean } from '../registry/suggest.js'
import type { ExtensionSource } from './source.js'
import { Trouble } from './trouble.js'

/** @throws {@link Trouble} when something that should be on this machine is not. */
export async function expectLocal(source: ExtensionSource): Promise<void> {
  if (source.kind === 'folder' && !(await isFolder(source.path))) throw await missingPath(source.path)
  if (source.kind === 'tarball' && !source.remote && !existsSync(source.spec))
    throw await missingPath(source.spec)
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

// What is said of a path where a folder or tarball should be: what is nearest, or what is there instead.
async function missingPath(path: string): Promise<Trouble> {
  if (existsSync(path))
    return new Trouble(
      'EXTENSION_NOT_FOUND',
      `is no folder: "${path}" is a file; name the folder that it lies in`,
    )
  const siblings = await readdir(dirname(path)).catch(() => [])
  const remedy = didYouMean(basename(path), siblings) || '; a path is relative to the file that declares it'
  return new Trouble('EXTENSION_NOT_FOUND', `is not there: there is no "${path}"${remedy}`)
}
