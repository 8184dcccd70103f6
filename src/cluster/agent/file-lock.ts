import { mkdir, open, readFile, readlink, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identify, isAlive, type ProcessIdentity } from '../../util/process-identity.js'

/**
 * The holder of a lock only reads and writes a small file: a lock that does not change for so long was left by a
 * process that was killed.
 */
const staleMs = 10_000
const pauseMs = 20

/** Calls `work` while holding the lock of a file, which all agents use. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.flambeau-lock`
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await takeLock(lock)
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

// The age is measured here, since the clock of the host that made the lock may be wrong.
async function takeLock(lock: string): Promise<void> {
  let known: string | undefined
  let since = performance.now()
  while (!(await isTaken(lock))) {
    const found = await markOf(lock)
    if (found !== known) since = performance.now()
    known = found
    const stale = (await isAbandoned(lock)) || performance.now() - since > staleMs
    if (stale && found === (await markOf(lock))) await rm(lock, { force: true })
    else await delay(pauseMs)
  }
}

// The lock names its holder, so that others notice at once when that process is gone.
async function isTaken(lock: string): Promise<boolean> {
  try {
    const file = await open(lock, 'wx', 0o600)
    try {
      await file.writeFile(JSON.stringify(await ownIdentity()))
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

/** Distinguishes one lock from the next. */
async function markOf(lock: string): Promise<string | undefined> {
  const found = await stat(lock).catch(() => undefined)
  return found && `${found.dev} ${found.ino} ${found.mtimeMs}`
}

/** The holder of a lock. Other hosts and containers, with their own PIDs, may share the home folder. */
interface Holder extends ProcessIdentity {
  readonly processes: string
}

async function ownIdentity(): Promise<Holder> {
  const processes = await readlink('/proc/self/ns/pid').catch(() => '')
  return { ...(await identify(process.pid))!, processes }
}

async function isAbandoned(lock: string): Promise<boolean> {
  const holder = await holderOf(lock)
  // The holder is just being written, unless the time of the file is far in the past or in the future.
  if (!holder) return (await ageOf(lock)) > staleMs
  const own = await ownIdentity()
  return holder.boot === own.boot && holder.processes === own.processes && !(await isAlive(holder))
}

async function ageOf(lock: string): Promise<number> {
  const found = await stat(lock).catch(() => undefined)
  return found ? Math.abs(Date.now() - found.mtimeMs) : 0
}

async function holderOf(lock: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await readFile(lock, 'utf8'))
    return typeof holder?.pid === 'number' ? holder : undefined
  } catch {
    return undefined
  }
}
