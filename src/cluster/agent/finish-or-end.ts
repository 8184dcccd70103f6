import { setTimeout as delay } from 'node:timers/promises'
import type { Wire } from '../wire/wire.js'
import { signalGroup } from './signal-group.js'

/** How long what is ended may clean up. */
const graceMs = 2000

/**
 * Waits until a process group has finished, and ends it when the other side has lost interest, or is gone; tells
 * whether it was ended. Its leader has finished when this settles.
 */
export async function finishOrEnd(
  leader: number | undefined,
  finished: Promise<unknown>,
  wire: Wire,
): Promise<boolean> {
  const unwanted = await Promise.race([wire.peek().then(() => true), finished.then(() => false)])
  if (unwanted) await endGroup(leader)
  await finished
  return unwanted
}

async function endGroup(leader: number | undefined): Promise<void> {
  signalGroup(leader, 'SIGTERM')
  const deadline = Date.now() + graceMs
  while (signalGroup(leader, 0) && Date.now() < deadline) await delay(20)
  signalGroup(leader, 'SIGKILL')
}
