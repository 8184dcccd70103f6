import { formatDuration, formatValue } from '../../records/format.js'
import { isMapping } from '../../util/plain-object.js'
import { printable } from '../../util/printable.js'

/** The keys that count steps, each with the keys that say how many there are. */
const counters: Readonly<Record<string, readonly string[]>> = {
  step: ['total', 'steps'],
  epoch: ['total', 'epochs'],
  iteration: ['total', 'iterations'],
}

/** What a run has told `progress`. */
export interface Steps {
  /** The name of what is counted, if anything is. */
  readonly name?: string
  readonly step?: number
  readonly total?: number
  /** The other values, on one line: `loss 0.2  accuracy 0.9`. */
  readonly values: string
}

/** Reads a value that was told to `progress`. */
export function stepsOf(value: unknown): Steps {
  if (!isMapping(value)) return { values: printable(formatValue(value)) }
  const name = Object.keys(counters).find((each) => typeof value[each] === 'number')
  const totals = name === undefined ? [] : counters[name]!
  const total = totals.map((each) => value[each]).find((each) => typeof each === 'number' && each > 0)
  const others = Object.entries(value).filter(([key]) => key !== name && !totals.includes(key))
  const values = printable(others.map(([key, each]) => `${key} ${formatValue(each)}`).join('  '))
  return {
    values,
    ...(name !== undefined && { name, step: value[name] as number }),
    ...(total !== undefined && { total: total as number }),
  }
}

/** `step 3/10`, or nothing when nothing is counted. */
export function describeStep({ name, step, total }: Steps): string {
  if (name === undefined) return ''
  return total === undefined ? `${name} ${step}` : `${name} ${step}/${total}`
}

/** How much time was taken, and about how much is left. */
export function describeTime(tookMs: number, part: number | undefined): string {
  const took = formatDuration(tookMs)
  if (part === undefined || part <= 0 || part >= 1) return took
  return `${took}, about ${formatDuration((tookMs / part) * (1 - part))} left`
}
