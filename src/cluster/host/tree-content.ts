import { createReadStream, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { ClusterError } from '../../errors.js'
import type { TreeFile } from '../wire/tree.js'
import type { Tree } from '../wire/tree-of.js'

/** Files up to this many bytes are read at once. */
const small = 1 << 18
/** So many bytes go out together: each write costs as much as thousands of them. */
const batch = 1 << 18

/** The bytes of some files of a tree, one file after another; throws when one is not what the tree says. */
export async function* contentOf(tree: Tree, wanted: readonly number[]): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = []
  let size = 0
  for await (const chunk of chunksOf(tree, wanted)) {
    waiting.push(chunk)
    size += chunk.length
    if (size < batch) continue
    yield Buffer.concat(waiting)
    waiting = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(waiting)
}

const compressed = new WeakMap<Tree, Map<string, Promise<Buffer>>>()

/** The same, compressed as a whole: once for all the hosts that lack the same files. */
export function compressedContentOf(tree: Tree, wanted: readonly number[]): Promise<Buffer> {
  const known = compressed.get(tree) ?? new Map<string, Promise<Buffer>>()
  compressed.set(tree, known)
  const key = wanted.join()
  const content = known.get(key) ?? compress(tree, wanted)
  known.set(key, content)
  return content
}

async function compress(tree: Tree, wanted: readonly number[]): Promise<Buffer> {
  const batches: Buffer[] = []
  for await (const bytes of contentOf(tree, wanted)) batches.push(bytes)
  return promisify(gzip)(Buffer.concat(batches))
}

async function* chunksOf({ files, sources }: Tree, wanted: readonly number[]): AsyncGenerator<Buffer> {
  for (const index of wanted) yield* fileOf(files[index]!, sources[index]!)
}

async function* fileOf(file: TreeFile, source: string): AsyncGenerator<Buffer> {
  let read = 0
  for await (const chunk of piecesOf(source, file.size)) {
    read += chunk.length
    yield chunk
  }
  if (read === file.size) return
  throw new ClusterError(
    `"${file.path}" changed while it was sent: try again when it is at rest, or write "/${file.path}" into .flambeauignore`,
    { code: 'FILE_CHANGED' },
  )
}

// A small file is read sooner than a thread could be asked to do it.
async function* piecesOf(source: string, size: number): AsyncGenerator<Buffer> {
  if (size <= small) yield readFileSync(source).subarray(0, size)
  else yield* createReadStream(source, { end: size - 1 })
}
