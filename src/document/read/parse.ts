import type { Problem } from '../../errors.js'
import type { Registry } from '../../registry/registry.js'
import { readExactly } from './exact-reader.js'
import type { ParsedText } from './parsed.js'
import { readQuickly } from './quick-reader.js'

/** Turns a text into nodes; what is wrong with it is in `problems`. */
export function parse(text: string, filename: string): ParsedText {
  return readQuickly(text, filename) ?? readExactly(text, filename)
}

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
export const defaultFilename = '<text>'
