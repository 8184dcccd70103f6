import { setTimeout as delay } from 'node:timers/promises'

/** Waits until something holds: what a test waits for is always something that it can see, and never just time. */
export async function until(holds: () => boolean | Promise<boolean>, what = String(holds)): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    if (await holds()) return
    await delay(20)
  }
  throw new Error(`This did not happen within 60 s: ${what}`)
}
