/** Thrown by a fast path to hand its work to the complete path. */
export const BAIL_OUT = Symbol('bail out')

/** Returns what `work` returns, or `undefined` when it bailed out. */
export function unlessBailedOut<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (reason) {
    if (reason === BAIL_OUT) return undefined
    throw reason
  }
}
