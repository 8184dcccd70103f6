import { mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Whoever has a lock reads and writes one small file: after so long it was killed. */
const staleMs = 30_000
const pauseMs = 20

/** Does something with a file while no other agent, which would do so in the same way, has it. */
export async function inTurn<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.flambeau-lock`
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  while (!(await take(lock))) await delay(pauseMs)
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await (await open(lock, 'wx', 0o600)).close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const found = await stat(lock).catch(() => undefined)
  if (found && Date.now() - found.mtimeMs > staleMs) await rm(lock, { force: true })
  return false
}
