import { createReadStream, readFileSync } from 'node:fs'
import { chmod, mkdir, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { throwNotWritten } from '../../errors.js'
import { codeOf } from '../../util/thrown.js'
import type { ContentHeader } from '../protocol/messages.js'
import type { Tree, TreeFile } from '../protocol/tree.js'
import { fileChanged } from './agent-errors.js'
import type { Sent } from './host.js'
import { mergeFetched } from './merge-fetched.js'
import { ChunkHeaderSchema, TreeSchema, wantedSchema } from './reply-schemas.js'
import type { Session } from './session.js'

/** Up to so many bytes are compressed before they are sent; for more, `Compression yes` in ssh_config can do it. */
const maxCompressedBytes = 1 << 23

/** Where a tree is stored on a host. */
export interface SendTarget {
  readonly path: string
  /** Whether the name of the folder is derived from its content, which then never changes. */
  readonly fresh: boolean
  /** The cluster that will use it: it is not removed before the run has started. */
  readonly cluster?: string
}

/** Sends the files of a tree that the host lacks. */
export async function sendTree(session: Session, tree: Tree, target: SendTarget): Promise<Sent> {
  const { hash, files } = tree
  await session.ask('receive', { ...target, manifest: { hash, files } })
  const { wanted } = await session.receive(wantedSchema(files.length))
  const bytes = wanted.reduce((sum, index) => sum + files[index]!.size, 0)
  if (bytes > maxCompressedBytes) await sendPlain(session, tree, wanted)
  else if (wanted.length > 0) await sendCompressed(session, tree, wanted)
  await session.reply<'receive'>()
  return { files: wanted.length, bytes }
}

async function sendPlain(session: Session, tree: Tree, wanted: readonly number[]): Promise<void> {
  await session.send({} satisfies ContentHeader)
  for await (const bytes of readContent(tree, wanted)) await session.write(bytes)
}

async function sendCompressed(session: Session, tree: Tree, wanted: readonly number[]): Promise<void> {
  const bytes = await readCompressedContent(tree, wanted)
  await session.send({ compressed: bytes.length } satisfies ContentHeader)
  await session.write(bytes)
}

/** Fetches a file or folder, and merges it into a local path when everything has arrived. */
export async function receiveTree(
  session: Session,
  path: string,
  { local, force }: { local: string; force: boolean },
): Promise<void> {
  await session.ask('sendTree', { path })
  const { single, files } = await session.receive(TreeSchema)
  const write = async (target: string): Promise<void> => {
    const onError = throwNotWritten(local)
    if (!single) await mkdir(target, { recursive: true }).catch(onError)
    for (const file of files) {
      const destination = single ? target : join(target, file.path)
      await receiveFile(session, { path: destination, onError }, file)
    }
    await session.reply<'sendTree'>()
  }
  await mergeFetched(local, { single, name: basename(path), force, write })
}

/** A local file, and what throws the error when it cannot be written: its path is a temporary one. */
interface Destination {
  readonly path: string
  readonly onError: (cause: unknown) => never
}

async function receiveFile(
  session: Session,
  { path, onError }: Destination,
  { size, executable }: TreeFile,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch(onError)
  const file = await open(path, 'w').catch(onError)
  try {
    for (let missing = size; missing > 0; ) {
      const { bytes } = await session.receive(ChunkHeaderSchema)
      if (bytes > missing) throw session.invalidMessage(`more bytes than the ${size} of "${path}"`)
      for await (const piece of session.bytes(bytes)) await file.writeFile(piece).catch(onError)
      missing -= bytes
    }
  } finally {
    await file.close().catch(onError)
  }
  if (executable) await chmod(path, 0o755).catch(onError)
}

/** Files up to this many bytes are read at once. */
const small = 1 << 18
/** The size of a write, in bytes: many small writes are slow. */
const batch = 1 << 18

/** Reads some files of a tree, one after another; throws if the size of a file has changed. */
async function* readContent(tree: Tree, wanted: readonly number[]): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = []
  let size = 0
  for await (const chunk of readChunks(tree, wanted)) {
    waiting.push(chunk)
    size += chunk.length
    if (size < batch) continue
    yield Buffer.concat(waiting)
    waiting = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(waiting)
}

const compressedCache = new WeakMap<Tree, Map<string, Promise<Buffer>>>()

/** Reads and compresses some files of a tree, once for all hosts that lack the same files. */
function readCompressedContent(tree: Tree, wanted: readonly number[]): Promise<Buffer> {
  const known = compressedCache.get(tree) ?? new Map<string, Promise<Buffer>>()
  compressedCache.set(tree, known)
  const key = wanted.join()
  const content = known.get(key) ?? compress(tree, wanted)
  known.set(key, content)
  return content
}

async function compress(tree: Tree, wanted: readonly number[]): Promise<Buffer> {
  const batches: Buffer[] = []
  for await (const bytes of readContent(tree, wanted)) batches.push(bytes)
  return promisify(gzip)(Buffer.concat(batches))
}

async function* readChunks({ files, sources }: Tree, wanted: readonly number[]): AsyncGenerator<Buffer> {
  for (const index of wanted) yield* readFileChunks(files[index]!, sources[index]!)
}

async function* readFileChunks(file: TreeFile, source: string): AsyncGenerator<Buffer> {
  let read = 0
  try {
    for await (const chunk of readPieces(source, file.size)) {
      read += chunk.length
      yield chunk
    }
  } catch (error) {
    throw codeOf(error) === 'ENOENT' ? fileChanged(file.path, error) : error
  }
  if (read !== file.size) throw fileChanged(file.path)
}

// For small files, synchronous reads are faster than the thread pool.
async function* readPieces(source: string, size: number): AsyncGenerator<Buffer> {
  if (size <= small) yield readFileSync(source).subarray(0, size)
  else yield* createReadStream(source, { end: size - 1 })
}
