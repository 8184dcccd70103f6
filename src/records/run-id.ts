/**
 * A new id of a run: `20261124-161622-1f4a03c`. It sorts by time, in UTC; the last seven digits are the milliseconds, and what tells
 * runs of the same millisecond apart.
 */
export function newRunId(): string {
  const now = new Date()
  const seconds = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  const milliseconds = now.getUTCMilliseconds().toString(16).padStart(3, '0')
  return `${seconds}-${milliseconds}${randomDigits()}`
}

// Nobody has to be unable to guess them: "node:crypto" would be loaded for them alone.
function randomDigits(): string {
  return Math.floor(Math.random() * 0x10000)
    .toString(16)
    .padStart(4, '0')
}
