import { chmod, mkdir, open } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { ClusterError } from '../../errors.js'
import type { Piece } from '../wire/protocol.js'
import type { TreeFile } from '../wire/tree.js'
import { putFetched } from './put-fetched.js'
import type { Session } from './session.js'

/** Brings a file or folder here: written beside its place, and moved there when all has arrived. */
export async function receiveTree(
  session: Session,
  from: string,
  { local, force }: { local: string; force?: boolean | undefined },
): Promise<void> {
  await session.ask('give', { from })
  const { single, files } = await session.next<{ single: boolean; files: readonly TreeFile[] }>()
  const write = async (path: string): Promise<void> => {
    if (!single) await mkdir(path, { recursive: true })
    for (const file of files) await receiveFile(session, single ? path : inside(path, file.path), file)
    await session.reply<'give'>()
  }
  await putFetched(local, { single, name: basename(from), force, write })
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
      for await (const piece of session.wire.bytes(bytes)) await file.writeFile(piece)
      missing -= bytes
    }
  } finally {
    await file.close()
  }
  if (executable) await chmod(path, 0o755)
}
