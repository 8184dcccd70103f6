import { createReadStream, readFileSync } from 'node:fs'
import { ClusterError } from '../../errors.js'
import type { Wanted } from '../wire/protocol.js'
import type { TreeFile } from '../wire/tree.js'
import type { Tree } from '../wire/tree-of.js'
import type { Sent } from './host.js'
import type { Session } from './session.js'

/** Files up to this many bytes are read at once. */
const small = 1 << 18
/** So many bytes go out together: each write costs as much as thousands of them. */
const batch = 1 << 18

/** Sends a tree: the other side says which of its files it lacks. */
export async function sendTree(
  session: Session,
  tree: Tree,
  to: { path: string; fresh: boolean },
): Promise<Sent> {
  const { hash, files } = tree
  await session.ask('receive', { to: to.path, manifest: { hash, files }, fresh: to.fresh })
  const { wanted } = await session.next<Wanted>()
  for await (const bytes of inBatches(contentOf(tree, wanted))) await session.write(bytes)
  await session.reply<'receive'>()
  return { files: wanted.length, bytes: wanted.reduce((sum, index) => sum + files[index]!.size, 0) }
}

async function* inBatches(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    waiting.push(chunk)
    size += chunk.length
    if (size < batch) continue
    yield Buffer.concat(waiting)
    waiting = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(waiting)
}

async function* contentOf({ files, sources }: Tree, wanted: readonly number[]): AsyncGenerator<Buffer> {
  for (const index of wanted) yield* fileOf(files[index]!, sources[index]!)
}

async function* fileOf({ path, size }: TreeFile, source: string): AsyncGenerator<Buffer> {
  let read = 0
  for await (const chunk of chunksOf(source, size)) {
    read += chunk.length
    if (read <= size) yield chunk
  }
  if (read === size) return
  throw new ClusterError(`"${path}" changed while it was sent: try again when it is at rest`, {
    code: 'FILE_CHANGED',
  })
}

// A small file is read sooner than a thread could be asked to do it.
async function* chunksOf(source: string, size: number): AsyncGenerator<Buffer> {
  if (size <= small) yield readFileSync(source)
  else yield* createReadStream(source)
}
