import { createReadStream } from 'node:fs'
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { ClusterError } from '../../errors.js'
import type { Wanted } from '../wire/protocol.js'
import type { TreeFile } from '../wire/tree.js'
import type { Tree } from '../wire/tree-of.js'
import type { Sent } from './host.js'
import type { Session } from './session.js'

/** Files up to this many bytes are read at once. */
const small = 1 << 18

/** Sends a tree: the other side says which of its files it lacks. */
export async function sendTree(
  session: Session,
  tree: Tree,
  to: { path: string; fresh: boolean },
): Promise<Sent> {
  const { hash, files, sources } = tree
  await session.ask('receive', { to: to.path, manifest: { hash, files }, fresh: to.fresh })
  const { wanted } = await session.next<Wanted>()
  let bytes = 0
  for (const index of wanted) bytes += await sendFile(session, files[index]!, sources[index]!)
  await session.reply<'receive'>()
  return { files: wanted.length, bytes }
}

async function sendFile({ wire }: Session, { path, size }: TreeFile, source: string): Promise<number> {
  let sent = 0
  for await (const chunk of contentOf(source, size)) {
    sent += chunk.length
    if (sent <= size) await wire.write(chunk)
  }
  if (sent === size) return size
  throw new ClusterError(`"${path}" changed while it was sent: try again when it is at rest`, {
    code: 'FILE_CHANGED',
  })
}

async function* contentOf(source: string, size: number): AsyncGenerator<Buffer> {
  if (size <= small) yield await readFile(source)
  else yield* createReadStream(source)
}

/** Brings a file or folder here: written beside its place, and renamed when all is there. */
export async function receiveTree(session: Session, from: string, local: string): Promise<void> {
  await session.ask('give', { from })
  const { single, files } = await session.next<{ single: boolean; files: readonly TreeFile[] }>()
  const incoming = `${local}.${process.pid}.incoming`
  try {
    if (!single) await mkdir(incoming, { recursive: true })
    for (const file of files)
      await receiveFile(session, single ? incoming : inside(incoming, file.path), file)
    await session.reply<'give'>()
    await rm(local, { recursive: true, force: true })
    await rename(incoming, local)
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
}

// What another machine says of its paths is not believed.
function inside(folder: string, path: string): string {
  const full = join(folder, path)
  if (full.startsWith(folder + sep)) return full
  throw new ClusterError(`A host sent a file for "${path}", outside of the folder that was asked for`, {
    code: 'HOST_REFUSED',
  })
}

async function receiveFile({ wire }: Session, path: string, { size, executable }: TreeFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'w')
  try {
    for await (const piece of wire.bytes(size)) await file.write(piece)
  } finally {
    await file.close()
  }
  if (executable) await chmod(path, 0o755)
}
