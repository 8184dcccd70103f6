import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A module of `src` as it was compiled: what no entry point exports. */
export function emitted(path: string): Promise<any> {
  return import(pathToFileURL(join('build/js', path)).href)
}
