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

/** Longer than a host takes to boot. */
const defaultTimeoutMs = 600_000

/** {@link ReconnectOptions} with their defaults. */
export type Reconnection = Required<ReconnectOptions> & { readonly reconnectTimeoutMs: number }

export function reconnectionOf(options: ReconnectOptions): Reconnection {
  const { signal, reconnectTimeoutMs = defaultTimeoutMs, onConnectionLost } = options
  return { signal, reconnectTimeoutMs, onConnectionLost }
}

/** Codes of errors that may be transient: without a network, names are not resolved either. */
const transientCodes: ReadonlySet<string> = new Set([
  'HOST_LOST',
  'HOST_UNREACHABLE',
  'HOST_NOT_FOUND',
  'HOST_SILENT',
])

const maxPauseMs = 5000
/** After a connection has lasted this long, its loss starts a new timeout. */
const steadyMs = 60_000
/** No attempt takes longer, unless this machine was asleep. */
const maxAttemptMs = 60_000

/**
 * Calls `work` again after the connection is lost, until the timeout. A host that cannot be reached at the first
 * attempt is an error at once, unless `isKnown` says that it has answered before.
 *
 * @throws The error of the last attempt; `isConnectionLoss` says whether the connection was the reason.
 */
export async function retryOnConnectionLoss<T>(
  work: () => Promise<T>,
  { signal, reconnectTimeoutMs, onConnectionLost }: Reconnection,
  isKnown: () => boolean,
): Promise<T> {
  let spentMs: number | undefined
  for (let pauseMs = 200; ; pauseMs = Math.min(pauseMs * 2, maxPauseMs)) {
    const began = Date.now()
    try {
      return await work()
    } catch (error) {
      if (!isConnectionLoss(error) || !(isKnown() || error.code === 'HOST_LOST')) throw error
      const lastedMs = Date.now() - began
      if (error.code === 'HOST_LOST' && lastedMs > steadyMs) spentMs = undefined
      if (spentMs === undefined) onConnectionLost?.(error)
      spentMs = spentMs === undefined ? 0 : spentMs + Math.min(lastedMs, maxAttemptMs) + pauseMs
      if (spentMs >= reconnectTimeoutMs) throw error
    }
    await delay(pauseMs, undefined, { signal })
  }
}

/** Whether an error means that the host cannot be reached, rather than that an operation failed. */
export function isConnectionLoss(error: unknown): error is Error & { readonly code: string } {
  return isFlambeauError(error) && transientCodes.has(error.code)
}
