import { interpolate } from './interpolation.js'
import type { DialectRules } from './secrets-table.js'

const asWritten = (text: string): string => text

/** The name of one of the {@link dialects}. */
export type DialectName = DialectRules['name']

/** The rules by which tables of secrets are read, by name: data that travels names one of them. */
export const dialects: Readonly<Record<DialectName, DialectRules>> = {
  /** Python's `ConfigParser`: keys without case, `%(name)s` filled in on reading. */
  python: {
    name: 'python',
    keyOf: (key) => key.toLowerCase(),
    expand: interpolate,
    quote: (value) => value.replaceAll('%', '%%'),
  },
  /** The npm package `ini`: keys with case. */
  ini: { name: 'ini', keyOf: asWritten, expand: asWritten, quote: asWritten },
  /** Values of a program: keys without case, nothing filled in. */
  literal: { name: 'literal', keyOf: (key) => key.toLowerCase(), expand: asWritten, quote: asWritten },
}
