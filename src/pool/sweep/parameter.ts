/** What stands in a template for many values, such as a {@link Choice}. */
export abstract class Parameter {
  /** Every value, in order; `undefined` when there is no end of them. */
  abstract values(): readonly unknown[] | undefined
  /** One value; `random` gives numbers in [0, 1). */
  abstract sample(random: () => number): unknown
}
