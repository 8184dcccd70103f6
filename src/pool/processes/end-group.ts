import { setTimeout as delay } from 'node:timers/promises'
import { signalGroup } from '../../cluster/agent/signal-group.js'

/** Ends the process group of a leader: asks with TERM, and kills what is left after the grace. */
export async function endGroup(leader: number, gone: Promise<void>, graceMs: number): Promise<void> {
  signalGroup(leader, 'SIGTERM')
  const patience = new AbortController()
  await Promise.race([gone, delay(graceMs, undefined, { signal: patience.signal })])
  patience.abort()
  signalGroup(leader, 'SIGKILL')
  await gone
}
