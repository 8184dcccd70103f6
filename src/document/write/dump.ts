import { currentRegistry } from '../../registry/default-registry.js'
import type { Registry } from '../../registry/registry.js'
import { recordOf } from '../construct/records.js'
import { anchorNames } from './anchor-names.js'
import { DocumentWriter } from './document-writer.js'
import { writeQuickly } from './quick-writer.js'
import { Representation } from './represent.js'
import { splice } from './splice.js'

/** Options of {@link dump}. */
export interface DumpOptions {
  /** Whose tags are written; when absent, the one that the object was loaded with, else the default registry. */
  registry?: Registry
  /** Write what the schemas filled in, too: the text then means the same under other defaults. */
  defaults?: boolean
}

/**
 * Writes an object as YAML.
 *
 * ```ts
 * dump(load(text))                     // as it was, comments and styles included
 * dump(new Train({ data: 'iris.csv' }))   // "!Train\ndata: iris.csv\n"
 * ```
 *
 * An object is written from the options that it was loaded with, else from those that its base was given with
 * `super(options)`, else from its property `options`, else from its own enumerable properties;
 * `setSerializableAttr` changes what is written.
 *
 * @throws {@link RegistrationError} for an object of a class that is not registered, and for a cycle.
 */
export function dump(
  value: unknown,
  { registry = registryOf(value), defaults = false }: DumpOptions = {},
): string {
  const representation = new Representation(registry, defaults)
  const root = representation.represent(value)
  const spliced = splice(root, representation)
  if (spliced !== undefined) return spliced
  const loaded = [...representation.sources].some(({ document }) => document.start >= 0)
  return (
    (loaded ? undefined : writeQuickly(root, representation.repeats ? anchorNames(root) : new Map())) ??
    new DocumentWriter(representation).write(root)
  )
}

function registryOf(value: unknown): Registry {
  const record = typeof value === 'object' && value !== null ? recordOf(value) : undefined
  return record?.loaded?.by.registry ?? currentRegistry()
}

/**
 * Writes several objects as the documents of one text.
 *
 * ```ts
 * await writeFile('trials.yaml', dumpAll(trials))
 * ```
 */
export function dumpAll(values: Iterable<unknown>, options: DumpOptions = {}): string {
  const texts = Array.from(values, (value) => dump(value, options))
  return texts.map((text, index) => (index === 0 ? text : `${separatorOf(text)}${text}`)).join('')
}

// Directives must be told from the text of the document before them.
function separatorOf(text: string): string {
  if (/^(?:[ \t]*(?:#[^\n]*)?\r?\n)*%/.test(text)) return '...\n'
  return hasMarker(text) ? '' : '---\n'
}

function hasMarker(text: string): boolean {
  return /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*---(?=\s|$)/.test(text)
}
