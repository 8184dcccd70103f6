import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ResourceError } from '../errors.js'
import { identify, isAlive, type ProcessIdentity } from '../util/process-identity.js'

/** Who writes into a folder of results: `owner.json` in its lock. */
interface Owner extends ProcessIdentity {
  /** Tells this lock from a later one of the same process. */
  readonly token: string
  readonly host: string
  /** When it began, as an ISO date. */
  readonly since: string
}

const lockName = '.lock'
const maxAttempts = 5

/**
 * The right of one process to write into a folder of results. The lock is a folder that is renamed into place with the
 * name of its owner in it, which is one step on every file system, network ones included.
 */
export class OutputLock {
  private constructor(
    private readonly path: string,
    private readonly token: string,
  ) {}

  /**
   * Takes the lock of a folder, which is made when it is missing. The lock of a process of this host that is gone is
   * taken over.
   *
   * @throws {@link ResourceError} with code `OUTPUT_IN_USE` while another process, or another run of this one, has it.
   */
  static async acquire(folder: string): Promise<OutputLock> {
    await mkdir(folder, { recursive: true })
    const path = join(folder, lockName)
    const owner = await ownerNow()
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      if (await tryAcquire(owner, path)) return new OutputLock(path, owner.token)
      const holder = await readOwner(path)
      if (holder && !(await isStale(holder))) throw inUse(folder, holder)
      await removeStale(path, holder)
    }
    throw inUse(folder, await readOwner(path))
  }

  /** Gives the folder free. */
  async release(): Promise<void> {
    const holder = await readOwner(this.path)
    if (holder?.token === this.token) await rm(this.path, { recursive: true, force: true })
  }
}

async function ownerNow(): Promise<Owner> {
  const identity = (await identify(process.pid)) ?? { pid: process.pid, started: '', boot: '' }
  return { ...identity, token: randomUUID(), host: hostname(), since: new Date().toISOString() }
}

async function tryAcquire(owner: Owner, path: string): Promise<boolean> {
  const draft = `${path}.${owner.token}`
  await mkdir(draft)
  try {
    await writeFile(join(draft, 'owner.json'), JSON.stringify(owner))
    await rename(draft, path)
    return true
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (isOccupied(error)) return false
    throw error
  }
}

function isOccupied(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST', 'EPERM', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
}

async function readOwner(path: string): Promise<Owner | undefined> {
  return readFile(join(path, 'owner.json'), 'utf8')
    .then((text) => JSON.parse(text) as Owner)
    .catch(() => undefined)
}

// Nobody knows of the processes of another host.
async function isStale(owner: Owner): Promise<boolean> {
  return owner.host === hostname() && !(await isAlive(owner))
}

// Two may find the same stale lock: whoever takes away another one than it found puts it back.
async function removeStale(path: string, found: Owner | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  if (
    !(await rename(path, aside).then(
      () => true,
      () => false,
    ))
  )
    return
  const taken = await readOwner(aside)
  if (taken?.token !== found?.token) await rename(aside, path).catch(() => {})
  await rm(aside, { recursive: true, force: true })
}

function inUse(folder: string, owner: Owner | undefined): ResourceError {
  const who = owner ? `process ${owner.pid} on "${owner.host}", since ${owner.since}` : 'another process'
  const elsewhere =
    owner && owner.host !== hostname() ? `, or remove "${join(folder, lockName)}" if that host is gone` : ''
  const message = `"${folder}" is in use by ${who}: wait for it, or name another "output"${elsewhere}`
  return new ResourceError(message, { code: 'OUTPUT_IN_USE' })
}
