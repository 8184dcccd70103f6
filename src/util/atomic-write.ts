import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'

/** How {@link writeAtomically} writes. */
export interface AtomicWriteOptions {
  /** The permissions of the file; only its owner can read it when absent. */
  readonly mode?: number
  /** Whether to wait until the content is on the disk. */
  readonly sync?: boolean
}

/** Writes a file as a whole or not at all: readers find the old content or the new one. */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const draft = temporaryBeside(path)
  try {
    await writeNew(draft, content, options)
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

async function writeNew(
  path: string,
  content: string | Uint8Array,
  { mode = 0o600, sync = false }: AtomicWriteOptions,
): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(content)
    if (sync) await file.sync()
  } finally {
    await file.close()
  }
}

/** A path beside `path`, on the same disk, that nobody else uses. */
export function temporaryBeside(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.incoming`
}

/** Whether a name is one of {@link temporaryBeside}. */
export function isTemporary(name: string): boolean {
  return /\.[0-9a-f]{12}\.incoming$/.test(name)
}

/** Moves `incoming` to `path`, which may be a folder with content. What is there stays when the move fails. */
export async function replacePath(path: string, incoming: string): Promise<void> {
  const old = temporaryBeside(path)
  const existed = await rename(path, old).then(() => true, falseWhereAbsent)
  await rename(incoming, path).catch(async (error) => {
    if (existed) await rename(old, path)
    throw error
  })
  await rm(old, { recursive: true, force: true })
}

function falseWhereAbsent(error: NodeJS.ErrnoException): false {
  if (error.code !== 'ENOENT') throw error
  return false
}
