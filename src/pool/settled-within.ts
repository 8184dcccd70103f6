/** What a promise settles as; `undefined` when it has not `graceMs` after the signal aborted. */
export async function settledWithin<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  graceMs: number,
): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<undefined>((giveUp) => {
    const wait = (): void => {
      timer = setTimeout(() => giveUp(undefined), graceMs)
    }
    if (signal.aborted) wait()
    else signal.addEventListener('abort', wait, { once: true })
  })
  return Promise.race([promise, patience]).finally(() => clearTimeout(timer))
}
