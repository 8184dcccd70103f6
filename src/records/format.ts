/** Rounds a number to four significant digits. */
export function formatNumber(value: number | undefined): string {
  if (value === undefined) return ''
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
}

/** Formats milliseconds for people: `40 ms`, `1.2 s`, `12 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`
  const seconds = milliseconds / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 100) return `${Math.round(seconds)} s`
  return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** Formats a value of an option or a result; nothing for `undefined`. */
export function formatValue(value: unknown): string {
  if (typeof value === 'number') return formatNumber(value)
  if (value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Formats a time for people, local: `2026-11-29 05:11:32`. */
export function formatTime(iso: string): string {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return iso
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19).replace('T', ' ')
}

/** Formats the chosen values on one line: `rate=0.1 epochs=100`. */
export function formatOptions(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .map(([path, value]) => `${path}=${formatValue(value)}`)
    .join(' ')
}
