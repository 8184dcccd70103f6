import { terminateGroup, waitForGroup } from '../../util/process.js'
import type { Wire } from '../wire/wire.js'

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
  if (unwanted) await terminateGroup(leader, waitForGroup(leader, graceMs), graceMs)
  await finished
  return unwanted
}
