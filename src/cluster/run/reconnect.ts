import { setTimeout as delay } from 'node:timers/promises'
import { isFlambeauError } from '../../errors.js'

/** How a question about a run is asked again when the connection is lost. */
export interface ReconnectOptions {
  readonly signal?: AbortSignal | undefined
  /** How long to try to connect again, in milliseconds; ten minutes when absent. Time that this machine sleeps is not counted. */
  readonly reconnectTimeoutMs?: number | undefined
  /** Hears of each loss of the connection, before it is tried again. */
  readonly onConnectionLost?: ((error: Error) => void) | undefined
}

/** Codes of errors after which the same question may well be answered a little later: no network, no names either. */
const passing: ReadonlySet<string> = new Set([
  'HOST_LOST',
  'HOST_UNREACHABLE',
  'HOST_NOT_FOUND',
  'HOST_SILENT',
])

/** Longer than a host takes to start. */
export const usualReconnectMs = 600_000
const longestPauseMs = 5000
/** A connection that lasted this long was good: its loss is a new one. */
const steadyMs = 60_000
/** No attempt takes longer: what does was asleep. */
const longestAttemptMs = 60_000

/**
 * Asks again when the connection is lost on the way, for as long as is wanted. A host that cannot be reached in the
 * first place is an error at once, unless it is `known` to have answered before.
 *
 * @throws What the last attempt threw: `isConnectionLoss` says whether it was the connection.
 */
export async function retryOnConnectionLoss<T>(
  ask: () => Promise<T>,
  { signal, reconnectTimeoutMs = usualReconnectMs, onConnectionLost }: ReconnectOptions,
  isKnown: () => boolean,
): Promise<T> {
  let spentMs: number | undefined
  for (let pauseMs = 200; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const began = Date.now()
    try {
      return await ask()
    } catch (error) {
      if (!isConnectionLoss(error) || !(isKnown() || error.code === 'HOST_LOST')) throw error
      const lastedMs = Date.now() - began
      if (error.code === 'HOST_LOST' && lastedMs > steadyMs) spentMs = undefined
      if (spentMs === undefined) onConnectionLost?.(error)
      spentMs = spentMs === undefined ? 0 : spentMs + Math.min(lastedMs, longestAttemptMs) + pauseMs
      if (spentMs >= reconnectTimeoutMs) throw error
    }
    await delay(pauseMs, undefined, signal ? { signal } : {})
  }
}

/** Whether an error says that a host is not reached, and nothing of what it does. */
export function isConnectionLoss(error: unknown): error is Error & { readonly code: string } {
  return isFlambeauError(error) && passing.has(error.code)
}
