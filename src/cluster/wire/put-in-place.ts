import { randomBytes } from 'node:crypto'
import { rename, rm } from 'node:fs/promises'

/** A path beside `path` that nobody else uses, on the same disk. */
export function besides(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.incoming`
}

/** Whether a name is one of {@link besides}. */
export function isIncoming(name: string): boolean {
  return /\.[0-9a-f]{12}\.incoming$/.test(name)
}

/** Puts what has arrived in the place of what is there, which stays when that fails. */
export async function replace(path: string, incoming: string): Promise<void> {
  const old = besides(path)
  const wasThere = await rename(path, old).then(() => true, isAbsent)
  await rename(incoming, path).catch(async (error) => {
    if (wasThere) await rename(old, path)
    throw error
  })
  await rm(old, { recursive: true, force: true })
}

function isAbsent(error: NodeJS.ErrnoException): false {
  if (error.code !== 'ENOENT') throw error
  return false
}
