import { posix } from 'node:path'

/** A file of a {@link MemoryHost}. */
export interface MemoryFile {
  readonly content: Buffer
  /** Its permissions, such as `0o600`. */
  readonly mode: number
}

/** The home folder of whoever uses a {@link MemoryHost}. */
export const memoryHome = '/home/user'

/** The absolute path of a path on a {@link MemoryHost}. */
export function absolute(path: string): string {
  return posix.resolve(memoryHome, path)
}

/** The files at a path: the file itself, or those of the folder, by their paths within it. */
export function filesAt(files: ReadonlyMap<string, MemoryFile>, path: string): Map<string, MemoryFile> {
  const at = absolute(path)
  const single = files.get(at)
  if (single) return new Map([[posix.basename(at), single]])
  const inside = at === '/' ? at : `${at}/`
  const found = [...files].filter(([each]) => each.startsWith(inside))
  return new Map(found.map(([each, file]) => [each.slice(inside.length), file]))
}
