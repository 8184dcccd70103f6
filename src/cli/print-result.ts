/** Prints what a run returned to standard output: text as it is, data as JSON, nothing for nothing. */
export function printResult(value: unknown): void {
  if (value === undefined) return
  if (typeof value === 'string') console.log(value)
  else console.log(JSON.stringify(value, null, 2) ?? String(value))
}
