import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { mapLimited } from '../../util/concurrency.js'

/** One file of a tree; folders are implied. */
export interface TreeFile {
  /** Relative to the tree, with `/`. */
  readonly path: string
  /** In bytes. */
  readonly size: number
  readonly executable: boolean
  /** SHA-256 of the content, in hex. */
  readonly hash: string
}

/** The files of a folder. Two trees with the same hash are equal. */
export interface TreeManifest {
  readonly hash: string
  /** Sorted by path. */
  readonly files: readonly TreeFile[]
}

/** A manifest with the local path of each file. */
export interface Tree extends TreeManifest {
  readonly sources: readonly string[]
}

/** How {@link readTree} looks at a folder. */
interface TreeOptions {
  /** Whether to skip a path, which is relative to the folder; the path of a folder ends with `/`. */
  readonly ignore?: (path: string) => boolean
  /** Whether to compute hashes; they are empty otherwise. */
  readonly hashed?: boolean
}

interface SourceFile {
  readonly path: string
  readonly source: string
}

/** Lists the files of a folder and follows links; a single file is a tree with one file. */
export async function readTree(folder: string, { ignore, hashed = true }: TreeOptions = {}): Promise<Tree> {
  const found = (await stat(folder)).isFile()
    ? [{ path: basename(folder), source: folder }]
    : await listFiles({ path: '', source: folder }, ignore ?? (() => false), [])
  return treeOfFiles(found, hashed)
}

/** Makes a tree of files from different folders. */
export async function treeOfFiles(found: readonly SourceFile[], hashed = true): Promise<Tree> {
  const sorted = found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const files = await mapLimited(sorted, 16, (file) => describeFile(file, hashed))
  const hash = hashed ? hashOf(files) : ''
  return { hash, files, sources: sorted.map(({ source }) => source) }
}

/** The files below a folder. `parents` lists the real paths above it: a link to one of them would be a cycle. */
async function listFiles(
  folder: SourceFile,
  ignore: (path: string) => boolean,
  parents: readonly string[],
): Promise<SourceFile[]> {
  const real = await realpath(folder.source)
  if (parents.includes(real)) return []
  const found: SourceFile[] = []
  for (const entry of await readdir(folder.source, { withFileTypes: true })) {
    const { name } = entry
    const child = {
      path: folder.path === '' ? name : `${folder.path}/${name}`,
      source: join(folder.source, name),
    }
    const kind = entry.isSymbolicLink() ? await stat(child.source).catch(() => undefined) : entry
    if (kind?.isDirectory() && !ignore(`${child.path}/`))
      found.push(...(await listFiles(child, ignore, [...parents, real])))
    else if (kind?.isFile() && !ignore(child.path)) found.push(child)
  }
  return found
}

async function describeFile({ path, source }: SourceFile, hashed: boolean): Promise<TreeFile> {
  const { size, mode } = await stat(source)
  const executable = (mode & 0o100) !== 0
  // A file may grow meanwhile, such as a log: its size is that of what was read.
  return { path, executable, ...(hashed ? await hashFile(source, size) : { size, hash: '' }) }
}

function hashOf(files: readonly TreeFile[]): string {
  const digest = createHash('sha256')
  for (const { path, executable, hash } of files) digest.update(`${path}\0${executable}\0${hash}\n`)
  return digest.digest('hex').slice(0, 32)
}

/** The longest name and path that the file systems of Linux and macOS take, in bytes. */
const longestName = 255
const longestPath = 4095

/** Whether a path stays inside its tree and can be written: relative, without `..`, `.`, empty names and NUL. */
export function isTreePath(path: string): boolean {
  if (path.includes('\0') || Buffer.byteLength(path) > longestPath) return false
  return path.split('/').every((name) => !unusableNames.has(name) && Buffer.byteLength(name) <= longestName)
}

const unusableNames: ReadonlySet<string> = new Set(['', '.', '..'])

/** Whether all paths are different, and none of them is a folder of another one. */
export function arePathsDistinct(paths: readonly string[]): boolean {
  const known = new Set(paths)
  return (
    known.size === paths.length && !paths.some((path) => parentsOf(path).some((parent) => known.has(parent)))
  )
}

function parentsOf(path: string): string[] {
  const parents: string[] = []
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1))
    parents.push(path.slice(0, end))
  return parents
}

/** Files up to this many bytes are read at once: that is several times faster for a thousand small ones. */
const readWholeUpTo = 1 << 20

/** The size and hash of what was read of a file. */
interface FileHash {
  /** In bytes. */
  readonly size: number
  /** SHA-256, in hex. */
  readonly hash: string
}

/** Computes the SHA-256 of at most the first `maxBytes` bytes of a file. */
export async function hashFile(path: string, maxBytes: number): Promise<FileHash> {
  const digest = createHash('sha256')
  let size = 0
  const add = (bytes: Buffer): void => {
    digest.update(bytes)
    size += bytes.length
  }
  if (maxBytes <= readWholeUpTo) add((await readFile(path)).subarray(0, maxBytes))
  else for await (const chunk of createReadStream(path, { end: maxBytes - 1 })) add(chunk)
  return { size, hash: digest.digest('hex') }
}
