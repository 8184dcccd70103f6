import { inspect } from 'node:util'
import { toJson } from '../util/json.js'
import { readSafely } from '../util/thrown.js'

/** Prints what a run returned to standard output: text as it is, data as JSON, nothing for nothing. */
export function printResult(value: unknown): void {
  if (value === undefined) return
  console.log(
    typeof value === 'string'
      ? value
      : (json(value) ?? readSafely(() => inspect(value), 'a value that cannot be shown')),
  )
}

// A cycle is no reason for a run that succeeded to fail.
function json(value: unknown): string | undefined {
  try {
    return toJson(value, 2)
  } catch {
    return undefined
  }
}
