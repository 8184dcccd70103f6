/** Returns numbers in [0, 1). */
export type Random = () => number

/**
 * Returns a generator of numbers in [0, 1) (mulberry32): the same ones for the same seed and stream. For tests of a strategy.
 *
 * ```ts
 * const random = seededRandom(7)
 * random()   // the same number each time that the program runs
 * ```
 */
export function seededRandom(seed: number, stream = 0): Random {
  let state = mix(mix(seed | 0) ^ mix((seed / 2 ** 32) | 0) ^ Math.imul(stream + 1, 0x9e3779b1))
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

// The finalizer of MurmurHash3: neighbouring seeds must not give neighbouring states.
function mix(value: number): number {
  let mixed = value + 0x9e3779b9
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
