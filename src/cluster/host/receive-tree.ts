import { chmod, mkdir, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { TreeFile } from '../wire/tree.js'
import { GivenTree, PieceHead } from './answers.js'
import { putFetched } from './put-fetched.js'
import type { Session } from './session.js'

/** Brings a file or folder here: written beside its place, and moved there when all has arrived. */
export async function receiveTree(
  session: Session,
  from: string,
  { local, force }: { local: string; force?: boolean | undefined },
): Promise<void> {
  await session.ask('give', { from })
  const { single, files } = await session.next(GivenTree)
  const write = async (path: string): Promise<void> => {
    if (!single) await mkdir(path, { recursive: true })
    for (const file of files) await receiveFile(session, single ? path : join(path, file.path), file)
    await session.reply<'give'>()
  }
  await putFetched(local, { single, name: basename(from), force, write })
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
