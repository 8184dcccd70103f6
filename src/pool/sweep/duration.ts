/** What is said of a text that is no duration. */
export const durationMessage = 'expected a duration, such as "90s", "30m" or "1h30m"'

const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 }
const written =
  /^(?:(?<d>\d+(?:\.\d+)?)d)?(?:(?<h>\d+(?:\.\d+)?)h)?(?:(?<m>\d+(?:\.\d+)?)m)?(?:(?<s>\d+(?:\.\d+)?)s)?$/

/** The milliseconds of a duration such as `1h30m`; `undefined` when it is none, or none above 0. */
export function durationMs(text: string): number | undefined {
  const { groups } = written.exec(text.trim()) ?? {}
  if (!groups) return undefined
  const total = Object.entries(unitsMs).reduce((sum, [unit, ms]) => sum + Number(groups[unit] ?? 0) * ms, 0)
  return total > 0 ? total : undefined
}
