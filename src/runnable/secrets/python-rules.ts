import { interpolate } from './interpolation.js'
import type { DialectRules } from './secrets-table.js'

/** Python's `ConfigParser`: keys without case, `%(name)s` filled in on reading. */
export const pythonRules: DialectRules = {
  keyOf: (key) => key.toLowerCase(),
  expand: interpolate,
}
