import { createReadStream } from 'node:fs'
import { chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryBeside } from '../../util/atomic-write.js'
import type { MessageConnection } from '../protocol/connection.js'
import type { Request } from '../protocol/messages.js'
import { readTree } from '../protocol/tree.js'
import { resolveFromHome } from './home.js'

/** Receives one file, and writes it atomically. */
export async function put(
  { path, size, mode }: Request<'put'>,
  connection: MessageConnection,
): Promise<void> {
  const target = resolveFromHome(path)
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  const incoming = temporaryBeside(target)
  try {
    const file = await open(incoming, 'wx', mode)
    try {
      for await (const piece of connection.bytes(size)) await file.writeFile(piece)
    } finally {
      await file.close()
    }
    await chmod(incoming, mode)
    await rename(incoming, target)
  } finally {
    await rm(incoming, { force: true })
  }
}

/** Sends one file. */
export async function get({ path }: Request<'get'>, connection: MessageConnection): Promise<void> {
  for await (const chunk of createReadStream(resolveFromHome(path)))
    await connection.sendChunk('stdout', chunk)
}

/** Sends a folder or a single file: the list of files, then each file in chunks, with its size in the list. */
export async function sendTree(
  { path: source }: Request<'sendTree'>,
  connection: MessageConnection,
): Promise<void> {
  const path = resolveFromHome(source)
  const single = (await stat(path)).isFile()
  const { files, sources } = await readTree(path, { hashed: false })
  await connection.send({ single, files })
  for (const [index, file] of files.entries()) await sendFile(sources[index]!, file.size, connection)
}

async function sendFile(path: string, size: number, connection: MessageConnection): Promise<void> {
  if (size === 0) return
  let missing = size
  for await (const chunk of createReadStream(path, { end: size - 1 })) {
    await connection.sendChunk('stdout', chunk)
    missing -= chunk.length
  }
  if (missing > 0) throw Object.assign(new Error(path), { code: 'FILE_CHANGED' })
}

export async function makeFolders({ paths }: Request<'makeFolders'>): Promise<void> {
  for (const path of paths) await mkdir(resolveFromHome(path), { recursive: true, mode: 0o700 })
}

/** Removes a file or folder, or only its content; a missing path is not an error. */
export async function remove({ path, contentOnly }: Request<'remove'>): Promise<void> {
  const target = resolveFromHome(path)
  if (!contentOnly) return rm(target, { recursive: true, force: true })
  const names = await readdir(target).catch((error) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const name of names) await rm(join(target, name), { recursive: true, force: true })
}

export async function exists({ path }: Request<'exists'>): Promise<{ exists: boolean }> {
  const found = await stat(resolveFromHome(path)).then(
    () => true,
    () => false,
  )
  return { exists: found }
}
