/** What a quick way throws where the slower, complete one has to be taken. */
export const givenUp = Symbol('given up')

/** What `work` returns, or `undefined` when it gave up. */
export function unlessGivenUp<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (reason) {
    if (reason === givenUp) return undefined
    throw reason
  }
}
