import { rmSync } from 'node:fs'
import { chmod, lstat, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { identify, isAlive, type ProcessIdentity } from './process-identity.js'

const prefix = 'flambeau-'
/** Identifies the process that owns a folder, so that the folder can be removed after the process was killed. */
const ownerName = '.owner.json'

interface Owner extends ProcessIdentity {
  /** The PID namespace: a PID of a container means nothing outside of it. */
  readonly namespace: string
}

/** The folders of this process. */
const folders = new Set<string>()
const swept = new Map<string, Promise<void>>()

/**
 * Creates a folder that only this user can open. It is removed when this process exits, or by a later process if it
 * was killed.
 */
export async function makeTemporaryFolder(parent: string): Promise<string> {
  const sweeping = swept.get(parent) ?? sweep(parent).catch(() => undefined)
  swept.set(parent, sweeping)
  await sweeping
  const folder = await mkdtemp(join(parent, prefix))
  await chmod(folder, 0o700)
  if (folders.size === 0) process.off('exit', removeAll).on('exit', removeAll)
  folders.add(folder)
  const owner: Owner = { ...(await identify(process.pid))!, namespace: await ownNamespace() }
  await writeFile(join(folder, ownerName), JSON.stringify(owner), { mode: 0o600 })
  return folder
}

export async function removeTemporaryFolder(folder: string): Promise<void> {
  folders.delete(folder)
  await rm(folder, { recursive: true, force: true })
}

// A program may exit without closing its hosts.
function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

/** Removes the folders of processes that were killed. */
async function sweep(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix))
  const namespace = await ownNamespace()
  for (const folder of names.map((name) => join(parent, name))) {
    const owner = await ownerOf(folder)
    if (owner?.namespace === namespace && !(await isAlive(owner)))
      await rm(folder, { recursive: true, force: true }).catch(() => undefined)
  }
}

// Any user can create files in such a parent: only those of this user are trusted.
async function ownerOf(folder: string): Promise<Owner | undefined> {
  try {
    const found = await lstat(folder)
    if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid)) return undefined
    const owner = JSON.parse(await readFile(join(folder, ownerName), 'utf8'))
    const isOwner = Number.isInteger(owner?.pid) && owner.pid > 0 && typeof owner.started === 'string'
    return isOwner ? owner : undefined
  } catch {
    return undefined
  }
}

function ownNamespace(): Promise<string> {
  return readlink('/proc/self/ns/pid').catch(() => '')
}
