import { createReadStream, readFileSync } from 'node:fs'
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { ClusterError, ResourceError } from '../../errors.js'
import type { Piece, Wanted } from '../wire/protocol.js'
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

/** Brings a file or folder here: written beside its place, and renamed when all is there. */
export async function receiveTree(session: Session, from: string, local: string): Promise<void> {
  const target = replaceable(local)
  await session.ask('give', { from })
  const { single, files } = await session.next<{ single: boolean; files: readonly TreeFile[] }>()
  const incoming = `${target}.${process.pid}.incoming`
  try {
    if (!single) await mkdir(incoming, { recursive: true })
    for (const file of files)
      await receiveFile(session, single ? incoming : inside(incoming, file.path), file)
    await session.reply<'give'>()
    await rm(target, { recursive: true, force: true })
    await rename(incoming, target)
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
}

// What is there goes: that may not be the folder in which the user stands.
function replaceable(local: string): string {
  const target = resolve(local)
  if (!`${process.cwd()}/`.startsWith(`${target}/`.replace('//', '/'))) return target
  const message = `"${local}" would be replaced, and this process is in it: name a folder of its own, such as "${join(local, 'results')}"`
  throw new ResourceError(message, { code: 'INSIDE_OF_TARGET' })
}

// What another machine says of its paths is not believed.
function inside(folder: string, path: string): string {
  const full = join(folder, path)
  if (full.startsWith(folder + sep)) return full
  throw new ClusterError(`A host sent a file for "${path}", outside of the folder that was asked for`, {
    code: 'HOST_REFUSED',
  })
}

async function receiveFile(session: Session, path: string, { size, executable }: TreeFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'w')
  try {
    for (let missing = size; missing > 0; ) {
      const { bytes } = await session.next<Piece>()
      for await (const piece of session.wire.bytes(bytes)) await file.write(piece)
      missing -= bytes
    }
  } finally {
    await file.close()
  }
  if (executable) await chmod(path, 0o755)
}
