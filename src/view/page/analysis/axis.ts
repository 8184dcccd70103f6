/** An axis for the values of an option. */
export type Axis =
  | { readonly kind: 'number'; readonly isLog: boolean }
  | { readonly kind: 'category'; readonly names: readonly string[] }

/** An axis is logarithmic when its largest value is at least this many times its smallest one. */
const logRatio = 30

/** Chooses the axis for values: logarithmic for positive numbers over a wide range, categories for everything that is no number. */
export function axisFor(values: readonly unknown[]): Axis {
  const present = values.filter((value) => value !== undefined)
  if (present.length === 0 || !present.every((value) => typeof value === 'number' && Number.isFinite(value)))
    return { kind: 'category', names: [...new Set(present.map(nameOf))] }
  const numbers = present as number[]
  const least = numbers.reduce((a, b) => Math.min(a, b))
  const most = numbers.reduce((a, b) => Math.max(a, b))
  return { kind: 'number', isLog: least > 0 && most / least >= logRatio }
}

/** The name of a value on an axis of categories. */
export function nameOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
}

/** Where a point of a category stands, so that equal ones do not hide each other: always the same for the same trial. */
export function spread(index: number): number {
  // Multiples of the golden ratio fill an interval evenly.
  return ((index * 0.618033988749895) % 1) * 0.5 - 0.25
}
