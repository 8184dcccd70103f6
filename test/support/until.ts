import { setTimeout as delay } from 'node:timers/promises'

/** Waits until something holds: what a test waits for is always something that it can see, and never just time. */
export async function until(holds: () => boolean | Promise<boolean>, what = String(holds)): Promise<void> {
  // By count, not by clock: a machine that is busy may take its time over each look.
  for (let looks = 0; looks < 3000; looks++) {
    if (await holds()) return
    await delay(20)
  }
  throw new Error(`This did not happen: ${what}`)
}
