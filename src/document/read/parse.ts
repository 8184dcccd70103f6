import type { Problem } from '../../errors.js'
import { currentRegistry } from '../../registry/default-registry.js'
import type { Registry } from '../../registry/registry.js'
import { type ReadingOptions, readExactly } from './exact-reader.js'
import type { ParsedText } from './parsed.js'
import { readQuickly } from './quick-reader.js'

/** Parses a text into nodes; `problems` has its errors. */
export function parse(text: string, filename: string, options: ReadingOptions = {}): ParsedText {
  return readQuickly(text, filename) ?? readExactly(text, filename, options)
}

/** Options of the functions that read YAML. */
export interface ReadOptions {
  /** The registry of tags; the default registry when absent. */
  registry?: Registry
  /** The name of the text in messages. */
  filename?: string
  /** Called with deprecated tags; without it, `load` emits a process warning. */
  onWarning?: (warning: Problem) => void
}

/** Fills in the defaults of {@link ReadOptions}; `handleWarning` is the default of `onWarning`. */
export function completeReadOptions(
  options: ReadOptions,
  handleWarning: (warning: Problem) => void,
): Required<ReadOptions> {
  const { registry = currentRegistry(), filename = '<text>', onWarning = handleWarning } = options
  return { registry, filename, onWarning }
}
