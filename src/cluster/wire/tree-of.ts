import { createHash } from 'node:crypto'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { mapLimited } from '../../util/concurrency.js'
import { hashFile } from './hash-file.js'
import type { TreeFile, TreeManifest } from './tree.js'

/** A folder as a manifest, with the path on this machine of each of its files. */
export interface Tree extends TreeManifest {
  readonly sources: readonly string[]
}

/** How {@link treeOf} looks at a folder. */
export interface TreeOptions {
  /** Leaves out what it says `true` to: a path relative to the folder, that of a folder with `/` at its end. */
  readonly ignore?: (path: string) => boolean
  /** `false` leaves the hashes empty, for a tree that is compared with nothing. */
  readonly hashed?: boolean
}

interface Found {
  readonly path: string
  readonly source: string
}

/** What a folder holds, links followed; a single file is a tree of one. */
export async function treeOf(folder: string, { ignore, hashed = true }: TreeOptions = {}): Promise<Tree> {
  const found = (await stat(folder)).isFile()
    ? [{ path: basename(folder), source: folder }]
    : await filesIn({ path: '', source: folder }, ignore ?? (() => false), [])
  return treeFrom(found, hashed)
}

/** The tree of files from different places. */
export async function treeFrom(found: readonly Found[], hashed = true): Promise<Tree> {
  const sorted = found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const files = await mapLimited(sorted, 16, (file) => describe(file, hashed))
  const hash = hashed ? hashOf(files) : ''
  return { hash, files, sources: sorted.map(({ source }) => source) }
}

/** The files below a folder. `within` are the real folders above it: a link to one of them is not followed. */
async function filesIn(
  at: Found,
  ignore: (path: string) => boolean,
  within: readonly string[],
): Promise<Found[]> {
  const real = await realpath(at.source)
  if (within.includes(real)) return []
  const found: Found[] = []
  for (const entry of await readdir(at.source, { withFileTypes: true })) {
    const { name } = entry
    const child = { path: at.path === '' ? name : `${at.path}/${name}`, source: join(at.source, name) }
    const kind = entry.isSymbolicLink() ? await stat(child.source).catch(() => undefined) : entry
    if (kind?.isDirectory() && !ignore(`${child.path}/`))
      found.push(...(await filesIn(child, ignore, [...within, real])))
    else if (kind?.isFile() && !ignore(child.path)) found.push(child)
  }
  return found
}

async function describe({ path, source }: Found, hashed: boolean): Promise<TreeFile> {
  const { size, mode } = await stat(source)
  const executable = (mode & 0o100) !== 0
  // A file that grows meanwhile, such as a log, is what was read of it.
  return { path, executable, ...(hashed ? await hashFile(source, size) : { size, hash: '' }) }
}

function hashOf(files: readonly TreeFile[]): string {
  const digest = createHash('sha256')
  for (const { path, executable, hash } of files) digest.update(`${path}\0${executable}\0${hash}\n`)
  return digest.digest('hex').slice(0, 32)
}
