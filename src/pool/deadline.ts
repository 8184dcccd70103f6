import { endedBy } from './attempt.js'
import type { Ended } from './engine.js'

/** Why an attempt was told to end. */
export type Call = 'timeout' | 'cancelled'

/** A timer for longer than this, 24 days, would go off at once. */
const longestMs = 2 ** 31 - 1

/** Calls an attempt to its end when it is cancelled or takes too long; `call` says which came first. */
export class Deadline {
  call: Call | undefined
  readonly #timer: NodeJS.Timeout | undefined
  readonly #cancel = (): void => this.#end('cancelled')

  constructor(
    readonly timeoutMs: number | undefined,
    readonly signal: AbortSignal,
    readonly onEnd: () => void,
  ) {
    // JSON makes null of Infinity.
    if (typeof timeoutMs === 'number' && timeoutMs <= longestMs)
      this.#timer = setTimeout(() => this.#end('timeout'), timeoutMs)
    if (signal.aborted) this.#cancel()
    else signal.addEventListener('abort', this.#cancel, { once: true })
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.signal.removeEventListener('abort', this.#cancel)
  }

  /** How the attempt ended: what fails after the call fails because of it. */
  judge(ended: Ended): Ended {
    return ended.ok || this.call === undefined ? ended : this.ended(this.call)
  }

  ended(call: Call): Ended {
    return call === 'timeout'
      ? endedBy(call, `took longer than ${this.timeoutMs} ms`)
      : endedBy(call, 'was cancelled')
  }

  #end(call: Call): void {
    this.clear()
    if (this.call) return
    this.call = call
    this.onEnd()
  }
}
