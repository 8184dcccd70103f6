import { createHash } from 'node:crypto'

/**
 * The seeds of tasks by their ids, derived from one seed: whole numbers from 0 to 2^31 - 1, which generators of random numbers take
 * in any language. They are the same on every host. Ids that are different numbers have different seeds, and `7` has that of `07`: the
 * numbers of trials have more digits when a sweep has more of them.
 */
export function taskSeeds(seed: number): (id: string) => number {
  const key = hash31(String(seed))
  return (id) => mix31(numberOf(id) ^ key)
}

const mask = 2 ** 31 - 1

function numberOf(id: string): number {
  const number = /^\d{1,15}$/.test(id) ? Number(id) : Number.NaN
  return number <= mask ? number : hash31(id)
}

function hash31(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() >>> 1
}

// The finalizer of MurmurHash3 with 31 bits. Each step has an inverse, so that no two numbers have the same result.
function mix31(number: number): number {
  const first = Math.imul(number ^ (number >>> 16), 0x85ebca6b) & mask
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35) & mask
  return second ^ (second >>> 16)
}
