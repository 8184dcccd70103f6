import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'

/** How space is reserved. */
export interface ReserveOptions {
  /** In bytes; one block of most file systems when absent. */
  readonly size?: number
  /** Whether to wait until it is on the disk. */
  readonly sync?: boolean
}

/**
 * Reserves disk space for a small file that is written later: its blocks, inode and directory entry exist then,
 * however full the disk is.
 */
export function reserve(path: string, { size = 4096, sync = false }: ReserveOptions = {}): void {
  // Spaces are written, since a sparse file has no blocks.
  writeFileSync(reservedPath(path), ' '.repeat(size), { mode: 0o600, flag: 'wx', flush: sync })
}

/**
 * Writes JSON atomically, in the space that was reserved for it; spaces fill the rest. Returns `false`, and writes nothing, when
 * none was reserved or it is too small.
 */
export function writeReserved(
  path: string,
  json: string,
  { sync = false }: { sync?: boolean } = {},
): boolean {
  const bytes = Buffer.from(json)
  const reserved = [reservedPath(path), path].find((each) => existsSync(each))
  if (reserved === undefined) return false
  const { size } = statSync(reserved)
  if (bytes.length > size) return false
  overwrite(reserved, Buffer.concat([bytes, Buffer.alloc(size - bytes.length, ' ')]), sync)
  if (reserved !== path) renameSync(reserved, path)
  return true
}

function overwrite(path: string, bytes: Buffer, sync: boolean): void {
  const file = openSync(path, 'r+')
  try {
    writeSync(file, bytes, 0, bytes.length, 0)
    if (sync) fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Where the space for a file is. */
export function reservedPath(path: string): string {
  return `${path}.reserved`
}
