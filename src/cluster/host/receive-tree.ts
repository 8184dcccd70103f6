import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ResourceError } from '../../errors.js'
import { besides, replace } from '../wire/put-in-place.js'
import type { TreeFile } from '../wire/tree.js'
import { GivenTree, PieceHead } from './answers.js'
import type { Session } from './session.js'

/** Brings a file or folder here: written beside its place, and renamed when all is there. */
export async function receiveTree(session: Session, from: string, local: string): Promise<void> {
  const target = replaceable(local)
  await session.ask('give', { from })
  const { single, files } = await session.next(GivenTree)
  if (single) await refuseFolder(local, basename(from))
  const incoming = besides(target)
  try {
    if (!single) await mkdir(incoming, { recursive: true })
    for (const file of files) await receiveFile(session, single ? incoming : join(incoming, file.path), file)
    await session.reply<'give'>()
    await (single ? rename(incoming, target) : replace(target, incoming))
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

// Many a program takes a folder for the place in which a file is to be: here it would be lost.
async function refuseFolder(local: string, name: string): Promise<void> {
  const found = await stat(local).catch(() => undefined)
  if (!found?.isDirectory()) return
  const message = `"${local}" is a folder, and what is fetched is one file: name the file, such as "${join(local, name)}"`
  throw new ResourceError(message, { code: 'TARGET_IS_FOLDER' })
}

async function receiveFile(session: Session, path: string, { size, executable }: TreeFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'w')
  try {
    for (let missing = size; missing > 0; ) {
      const { bytes } = await session.next(PieceHead)
      if (bytes > missing) throw session.invalid(`more bytes than the ${size} of "${path}"`)
      for await (const piece of session.bytes(bytes)) await file.writeFile(piece)
      missing -= bytes
    }
  } finally {
    await file.close()
  }
  if (executable) await chmod(path, 0o755)
}
