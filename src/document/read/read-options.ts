import type { Problem } from '../../errors.js'
import type { Registry } from '../../registry/registry.js'

/** Options of everything that reads. */
export interface ReadOptions {
  /** Whose tags count; the default registry when absent. */
  registry?: Registry
  /** What messages call the text. */
  filename?: string
  /** Told of what still works but should be written otherwise; `load` warns the process when it is absent. */
  onWarning?: (warning: Problem) => void
}

/** What a text without a file is called. */
export const defaultName = '<text>'
