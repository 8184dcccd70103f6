import { readExactly } from './exact-reader.js'
import type { Parsed } from './parsed.js'
import { readQuickly } from './quick-reader.js'

/** Turns a text into nodes; what is wrong with it is in `problems`. */
export function parse(text: string, filename: string): Parsed {
  return readQuickly(text, filename) ?? readExactly(text, filename)
}
