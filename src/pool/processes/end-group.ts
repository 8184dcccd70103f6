import { setTimeout as delay } from 'node:timers/promises'

/** Sends a signal to a process group, if there is one left. */
export function signalGroup(pid: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // All of it has ended.
  }
}

/** Ends a process group: asks with TERM, and kills what is left after the grace. */
export async function endGroup(pid: number | undefined, gone: Promise<void>, graceMs: number): Promise<void> {
  signalGroup(pid, 'SIGTERM')
  const patience = new AbortController()
  await Promise.race([gone, delay(graceMs, undefined, { signal: patience.signal })])
  patience.abort()
  signalGroup(pid, 'SIGKILL')
  await gone
}
