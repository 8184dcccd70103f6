import { mkdir, open, readFile, readlink, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { identify, isAlive, type ProcessIdentity } from './process-identity.js'

/** Whoever has a lock reads and writes one small file: one that is the same after so long was left by who was killed. */
const staleMs = 10_000
const pauseMs = 20

/** Does something with a file while no other agent, which would do so in the same way, has it. */
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

// Its own time tells nothing of a lock of another host, whose clock may be wrong.
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

// With who has it, so that others know at once when that process is gone.
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

/** What tells one lock from the next one. */
async function markOf(lock: string): Promise<string | undefined> {
  const found = await stat(lock).catch(() => undefined)
  return found && `${found.dev} ${found.ino} ${found.mtimeMs}`
}

/** Who has a lock: other hosts and containers may have the same home folder, and processes of their own. */
interface Holder extends ProcessIdentity {
  readonly processes: string
}

async function ownIdentity(): Promise<Holder> {
  const processes = await readlink('/proc/self/ns/pid').catch(() => '')
  return { ...(await identify(process.pid))!, processes }
}

async function isAbandoned(lock: string): Promise<boolean> {
  const holder = await holderOf(lock)
  // Nobody has written into it: not for long, unless its time is far away, in the past or in the future.
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
