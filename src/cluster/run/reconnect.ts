import { setTimeout as delay } from 'node:timers/promises'
import { isFlambeauError } from '../../errors.js'

/** How a call reconnects after its connection is lost. */
export interface ReconnectOptions {
  readonly signal?: AbortSignal | undefined
  /**
   * How long to try to reconnect, in milliseconds; ten minutes by default. Time during which this machine sleeps does
   * not count.
   */
  readonly reconnectTimeoutMs?: number | undefined
  /** Called after each loss of the connection, before the first attempt to reconnect. */
  readonly onConnectionLost?: ((error: Error) => void) | undefined
}

/** Codes of errors that may be transient: without a network, names are not resolved either. */
const passing: ReadonlySet<string> = new Set([
  'HOST_LOST',
  'HOST_UNREACHABLE',
  'HOST_NOT_FOUND',
  'HOST_SILENT',
])

/** Longer than a host takes to boot. */
export const usualReconnectMs = 600_000
const longestPauseMs = 5000
/** After a connection has lasted this long, its loss starts a new timeout. */
const steadyMs = 60_000
/** No attempt takes longer, unless this machine was asleep. */
const longestAttemptMs = 60_000

/**
 * Calls `ask` again after the connection is lost, until the timeout. A host that cannot be reached at the first
 * attempt is an error at once, unless `isKnown` says that it has answered before.
 *
 * @throws The error of the last attempt; `isConnectionLoss` says whether the connection was the reason.
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

/** Whether an error means that the host cannot be reached, rather than that an operation failed. */
export function isConnectionLoss(error: unknown): error is Error & { readonly code: string } {
  return isFlambeauError(error) && passing.has(error.code)
}
