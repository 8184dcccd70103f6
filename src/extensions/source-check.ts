import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { Suggester } from '../registry/suggest.js'
import { ExtensionFailure } from './extension-failure.js'
import type { ExtensionSource } from './source.js'

/** @throws {@link Trouble} when something that should be on this machine is not. */
export async function expectLocal(source: ExtensionSource, near = new Suggester()): Promise<void> {
  if (source.kind === 'folder' && !(await isFolder(source.path))) throw await missingPath(source.path, near)
  if (source.kind === 'tarball' && !source.remote && !existsSync(source.spec))
    throw await missingPath(source.spec, near)
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

// What is said of a path where a folder or tarball should be: what is nearest, or what is there instead.
async function missingPath(path: string, near: Suggester): Promise<ExtensionFailure> {
  if (existsSync(path))
    return new ExtensionFailure(
      'EXTENSION_NOT_FOUND',
      `is no folder: "${path}" is a file; name the folder that it lies in`,
    )
  const siblings = near.isExhausted ? [] : await readdir(dirname(path)).catch(() => [])
  const meant = near.nearest(basename(path), siblings)
  const remedy =
    meant === undefined ? '; a path is relative to the file that declares it' : `: did you mean "${meant}"?`
  return new ExtensionFailure('EXTENSION_NOT_FOUND', `is not there: there is no "${path}"${remedy}`)
}
