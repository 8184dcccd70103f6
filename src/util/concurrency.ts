/** Maps items with at most `limit` of them in progress; results are in the order of the items. */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const queue = items.entries()
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await map(item, index)
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  return results
}

/** A promise with the functions that settle it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T | PromiseLike<T>): void
  reject(reason: unknown): void
}

/** Does what `Promise.withResolvers` does, which Node 20 does not have. */
export function deferred<T = void>(): Deferred<T> {
  let settle: Pick<Deferred<T>, 'resolve' | 'reject'>
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return { promise, ...settle! }
}

/** The value of a promise, or `undefined` when it is still pending after `timeoutMs`. */
export function settledWithin<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  const timeout = deferred<undefined>()
  const timer = setTimeout(() => timeout.resolve(undefined), timeoutMs)
  return Promise.race([promise, timeout.promise]).finally(() => clearTimeout(timer))
}

/** The value of a promise, or `undefined` when it is still pending `graceMs` after the signal was aborted. */
export function settledAfterAbort<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  graceMs: number,
): Promise<T | undefined> {
  const { promise: aborted, resolve } = deferred()
  if (signal.aborted) resolve()
  else signal.addEventListener('abort', () => resolve(), { once: true })
  return Promise.race([promise, aborted.then(() => settledWithin(promise, graceMs))])
}

/** Calls `next` with a value, or with what a promise resolves to; only a promise makes the result a promise. */
export function chain<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Limits how many holders there are at a time. */
export class Semaphore {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(limit: number) {
    this.#free = limit
  }

  /** Takes a slot; returns a promise of it when none is free. */
  acquire(): void | Promise<void> {
    if (this.#free === 0) return new Promise((resolve) => this.#waiting.add(resolve))
    this.#free--
  }

  release(): void {
    const [next] = this.#waiting
    if (!next) this.#free++
    else {
      this.#waiting.delete(next)
      next()
    }
  }
}
