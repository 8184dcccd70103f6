import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ResourceError, throwNotWritten } from '../errors.js'
import { identify, isAlive, type ProcessIdentity } from '../util/process-identity.js'

/** The process that writes into a folder of results: `owner.json` in its lock. */
interface Owner extends ProcessIdentity {
  /** Tells this lock from other locks of the same process. */
  readonly token: string
  readonly host: string
  /** The time of the lock, as an ISO date. */
  readonly since: string
}

const lockName = '.lock'
/** Enough for a claim that was left by a process that was killed. */
const maxAttempts = 250
const claimPauseMs = 50
const staleClaimMs = 5000

/**
 * The lock of a folder of results, into which only one process writes. It is a folder, which is made elsewhere with the
 * name of its owner in it and then renamed: that is atomic on every file system, network file systems included.
 */
export class OutputLock {
  private constructor(
    private readonly path: string,
    private readonly token: string,
  ) {}

  /**
   * Takes the lock of a folder, and makes the folder when it is missing. Takes over the lock of a process of this host
   * that has ended.
   *
   * @throws {@link ResourceError} with code `OUTPUT_IN_USE` while another process, or another run of this one, has the
   * lock.
   */
  static async acquire(folder: string): Promise<OutputLock> {
    await mkdir(folder, { recursive: true }).catch(throwNotWritten(folder))
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

  // Renamed first: another process may take the place of a folder that is empty, while this one removes it.
  async release(): Promise<void> {
    const holder = await readOwner(this.path)
    if (holder?.token !== this.token) return
    const released = `${this.path}.${this.token}`
    await rename(this.path, released)
    await rm(released, { recursive: true, force: true })
  }
}

async function ownerNow(): Promise<Owner> {
  const identity = (await identify(process.pid)) ?? { pid: process.pid, started: '', boot: '' }
  return { ...identity, token: randomUUID(), host: hostname(), since: new Date().toISOString() }
}

async function tryAcquire(owner: Owner, path: string): Promise<boolean> {
  const draft = `${path}.${owner.token}`
  await mkdir(draft).catch(throwNotWritten(draft))
  try {
    await writeFile(join(draft, 'owner.json'), JSON.stringify(owner))
    await rename(draft, path)
    return true
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (isOccupied(error)) return false
    return throwNotWritten(path)(error)
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

// Processes of other hosts cannot be checked.
async function isStale(owner: Owner): Promise<boolean> {
  return owner.host === hostname() && !(await isAlive(owner))
}

// Two processes may find the same stale lock: one at a time removes it, and only if nobody has taken its place.
async function removeStale(path: string, found: Owner | undefined): Promise<void> {
  const claim = `${path}.claim`
  if (!(await tryClaim(claim))) return void (await delay(claimPauseMs))
  try {
    if ((await readOwner(path))?.token !== found?.token) return
    const removed = `${path}.${randomUUID()}`
    await rename(path, removed).catch(() => {})
    await rm(removed, { recursive: true, force: true })
  } finally {
    await rmdir(claim).catch(() => {})
  }
}

// A claim is held for milliseconds: an older one was left by a process that was killed.
async function tryClaim(claim: string): Promise<boolean> {
  const isMade = await mkdir(claim).then(
    () => true,
    () => false,
  )
  if (isMade) return true
  const found = await stat(claim).catch(() => undefined)
  if (found && Date.now() - found.mtimeMs > staleClaimMs) await rmdir(claim).catch(() => {})
  return false
}

function inUse(folder: string, owner: Owner | undefined): ResourceError {
  const who = owner ? `process ${owner.pid} on "${owner.host}", since ${owner.since}` : 'another process'
  const elsewhere =
    owner && owner.host !== hostname()
      ? `, or remove "${join(folder, lockName)}" if that host no longer exists`
      : ''
  const message = `"${folder}" is in use by ${who}: wait for it, or name another "output"${elsewhere}`
  return new ResourceError(message, { code: 'OUTPUT_IN_USE' })
}
