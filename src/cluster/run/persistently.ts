import { setTimeout as delay } from 'node:timers/promises'
import { isFlambeauError } from '../../errors.js'

/** Codes of errors after which the same question may well be answered a little later. */
const passing: ReadonlySet<string> = new Set(['HOST_LOST', 'HOST_UNREACHABLE'])

/** How long to go on trying, in milliseconds: longer than a host takes to start. */
const patienceMs = 600_000
const longestPauseMs = 5000
/** A connection that lasted this long was good: its loss is a new one. */
const steadyMs = 60_000

/**
 * Asks again when the connection is lost on the way, for ten minutes at most. A host that cannot be reached in the
 * first place is an error at once.
 */
export async function persistently<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  let lostAt: number | undefined
  for (let pauseMs = 200; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const began = Date.now()
    try {
      return await ask()
    } catch (error) {
      const lost = isFlambeauError(error) && passing.has(error.code)
      if (!lost || (lostAt === undefined && error.code !== 'HOST_LOST')) throw error
      if (error.code === 'HOST_LOST' && Date.now() - began > steadyMs) lostAt = undefined
      lostAt ??= Date.now()
      if (Date.now() - lostAt > patienceMs) throw error
    }
    await delay(pauseMs, undefined, signal ? { signal } : {})
  }
}
