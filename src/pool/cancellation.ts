/** Is called once, when a task is cancelled. */
export interface CancelListener {
  onCancelled(): void
}

/**
 * The cancellation of a task. Its signal is made when it is first read: making one takes longer than to send a short task, and most
 * tasks end without anybody who listens to it.
 */
export class Cancellation {
  #controller: AbortController | undefined
  #isCancelled = false
  readonly #listeners: CancelListener[] = []
  /** The signal of somebody else. */
  #source: AbortSignal | undefined
  readonly #follow = (): void => this.cancel()

  /** Follows a signal, and listens to it only while it has listeners of its own. */
  static of(signal: AbortSignal): Cancellation {
    const cancellation = new Cancellation()
    cancellation.#source = signal
    return cancellation
  }

  get isCancelled(): boolean {
    return this.#isCancelled || this.#source?.aborted === true
  }

  get signal(): AbortSignal {
    if (this.#source) return this.#source
    this.#controller ??= new AbortController()
    if (this.#isCancelled) this.#controller.abort()
    return this.#controller.signal
  }

  cancel(): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    this.#source?.removeEventListener('abort', this.#follow)
    this.#controller?.abort()
    for (const listener of this.#listeners.splice(0)) listener.onCancelled()
  }

  add(listener: CancelListener): void {
    if (this.#listeners.push(listener) === 1)
      this.#source?.addEventListener('abort', this.#follow, { once: true })
  }

  delete(listener: CancelListener): void {
    const index = this.#listeners.indexOf(listener)
    if (index < 0) return
    this.#listeners.splice(index, 1)
    if (this.#listeners.length === 0) this.#source?.removeEventListener('abort', this.#follow)
  }
}

/** The cancellation of an attempt: that of its task, or one that follows the signal of another caller. */
export function cancellationOf(watch: {
  readonly signal: AbortSignal
  readonly cancellation?: Cancellation
}): Cancellation {
  return watch.cancellation ?? Cancellation.of(watch.signal)
}
