/** What a quick way throws where the slower, complete one has to be taken. */
export const BAIL_OUT = Symbol('given up')

/** What `work` returns, or `undefined` when it gave up. */
export function unlessBailedOut<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (reason) {
    if (reason === BAIL_OUT) return undefined
    throw reason
  }
}
