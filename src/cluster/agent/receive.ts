import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { chmod, copyFile, link, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { replacePath, temporaryBeside } from '../../util/atomic-write.js'
import type { MessageConnection } from '../protocol/connection.js'
import type { ContentHeader, Request } from '../protocol/messages.js'
import type { TreeFile, TreeManifest } from '../protocol/tree.js'
import { resolveFromHome } from './home.js'
import { expectTree, findCopies, isComplete, writeManifest } from './tree-store.js'

/** Files up to this many bytes are written at once. */
const small = 1 << 18

/**
 * Receives a folder: requests the files that this host lacks, writes everything beside the target, and renames it.
 * `fresh` means that the name of the folder is derived from its content.
 */
export async function receive(request: Request<'receive'>, connection: MessageConnection): Promise<void> {
  const { path, manifest, fresh, cluster } = request
  const folder = resolveFromHome(path)
  if (cluster !== undefined) await expectTree(cluster, folder)
  if (fresh && (await isComplete(folder))) return connection.send({ wanted: [] })
  const incoming = temporaryBeside(folder)
  try {
    createFolders(incoming, manifest)
    const reused = await reuseFiles(request, incoming)
    const wanted = [...manifest.files.entries()].filter(([, file]) => !reused.has(file))
    await connection.send({ wanted: wanted.map(([index]) => index) })
    const read = await contentReader(
      connection,
      wanted.map(([, { size }]) => size),
    )
    for (const [, file] of wanted) await receiveFile(join(incoming, file.path), file, read)
    if (fresh) await writeManifest(incoming, manifest)
    if (fresh && (await isComplete(folder))) return
    await replacePath(folder, incoming).catch(async (error) => {
      // Another process has sent the same content meanwhile.
      if (!(fresh && (await isComplete(folder)))) throw error
    })
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
}

// Earlier versions of the same content are its siblings.
async function siblings(folder: string): Promise<string[]> {
  const parent = dirname(folder)
  const names = await readdir(parent).catch(() => [])
  return names.filter((name) => !name.endsWith('.incoming')).map((name) => join(parent, name))
}

// Synchronous: this process does nothing else meanwhile, and for many small files it is faster.
function createFolders(folder: string, { files }: TreeManifest): void {
  const paths = files.map((file) => join(folder, dirname(file.path)))
  for (const path of new Set([folder, ...paths])) mkdirSync(path, { recursive: true, mode: 0o700 })
}

// Before the rest arrives: by then, the copies may have been removed.
async function reuseFiles(
  { path, manifest, fresh }: Request<'receive'>,
  incoming: string,
): Promise<Set<TreeFile>> {
  const folder = resolveFromHome(path)
  const copies = await findCopies(manifest, fresh ? await siblings(folder) : [folder])
  const reused = new Set<TreeFile>()
  for (const [file, source] of copies) {
    const target = join(incoming, file.path)
    const isReused =
      (fresh && (await isLinked(source, target, file))) || (await isCopied(source, target, file))
    if (isReused) reused.add(file)
  }
  return reused
}

// A tree that is named by its hash does not change, so equal files of two versions can share one inode.
async function isLinked(source: string, target: string, file: TreeFile): Promise<boolean> {
  const found = await stat(source).catch(() => undefined)
  if (((found?.mode ?? 0) & 0o777) !== fileMode(file)) return false
  return link(source, target).then(
    () => true,
    () => false,
  )
}

async function isCopied(source: string, target: string, file: TreeFile): Promise<boolean> {
  try {
    await copyFile(source, target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  await chmod(target, fileMode(file))
  return true
}

/** Reads the next `count` bytes. */
type ReadBytes = (count: number) => AsyncIterable<Buffer>

async function contentReader(connection: MessageConnection, sizes: readonly number[]): Promise<ReadBytes> {
  const content = sizes.length === 0 ? undefined : await connection.receive<ContentHeader>()
  if (content?.compressed === undefined) return (count) => connection.bytes(count)
  const compressed = await readAll(connection.bytes(content.compressed))
  // One chunk for everything: by default, zlib joins chunks of 16 kB.
  const chunkSize = Math.max(
    64,
    sizes.reduce((sum, size) => sum + size, 0),
  )
  return readerOf(gunzipSync(compressed, { chunkSize }))
}

function readerOf(bytes: Buffer): ReadBytes {
  let position = 0
  return async function* (count) {
    yield bytes.subarray(position, position + count)
    position += count
  }
}

async function readAll(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return all.length === 1 ? all[0]! : Buffer.concat(all)
}

function fileMode({ executable }: TreeFile): number {
  return executable ? 0o700 : 0o600
}

async function receiveFile(path: string, file: TreeFile, read: ReadBytes): Promise<void> {
  const write = file.size <= small ? receiveSmall : receiveLarge
  const hash = await write(path, file, read)
  if (hash !== file.hash) throw Object.assign(new Error(file.path), { code: 'FILE_CHANGED' })
}

async function receiveSmall(path: string, file: TreeFile, read: ReadBytes): Promise<string> {
  const bytes = await readAll(read(file.size))
  writeFileSync(path, bytes, { flag: 'wx', mode: fileMode(file) })
  return createHash('sha256').update(bytes).digest('hex')
}

async function receiveLarge(path: string, file: TreeFile, read: ReadBytes): Promise<string> {
  const output = await open(path, 'wx', fileMode(file))
  const digest = createHash('sha256')
  try {
    for await (const piece of read(file.size)) {
      digest.update(piece)
      await output.writeFile(piece)
    }
  } finally {
    await output.close()
  }
  return digest.digest('hex')
}
