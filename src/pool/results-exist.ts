import { ResourceError } from '../errors.js'

/** Results that an earlier sweep or map has left in a folder. */
export interface Found {
  readonly output: string
  readonly count: number
  readonly of: 'trial' | 'task'
}

/** There are results that nobody said what to do with. */
export function resultsExist(found: Found): ResourceError {
  const ways = 'go on with "resume", begin anew with "force", or name another "output"'
  return error(`${described(found)} already: ${ways} (as flags "--resume", "--force")`)
}

/** A sweep should go on with results that are all of another one. */
export function noneOfThisSweep(found: Omit<Found, 'of'>): ResourceError {
  const ways =
    'write "each" as it was, name another "output", or begin anew with "force" (as a flag "--force")'
  return error(`${described({ ...found, of: 'trial' })}, but of none of this sweep: ${ways}`)
}

function described({ output, count, of }: Found): string {
  return `"${output}" has ${count === 1 ? `the result of one ${of}` : `the results of ${count} ${of}s`}`
}

function error(message: string): ResourceError {
  return new ResourceError(message, { code: 'RESULTS_EXIST' })
}
