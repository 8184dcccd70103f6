import type { Node } from '../../node.js'
import { currentRegistry } from '../../registry/default-registry.js'
import type { Registry } from '../../registry/registry.js'
import { provenanceOf } from '../construct/provenance.js'
import { anchorNames } from './anchor-names.js'
import { DocumentWriter } from './document-writer.js'
import { foldComposed } from './fold-composed.js'
import { writeObject } from './object-writer.js'
import { patchText } from './patch-text.js'
import { writeQuickly } from './quick-writer.js'
import { Representation, type RepresentOptions } from './represent.js'
import { roundTrips } from './round-trip.js'
import { unchangedText } from './unchanged-text.js'

/** Options of {@link dump}. */
export interface DumpOptions {
  /** Whose tags are written; when absent, the one that the object was loaded with, else the default registry. */
  registry?: Registry
  /** Write what the schemas filled in, too: the text then means the same under other defaults. */
  defaults?: boolean
  /**
   * Write one file that needs no other: included parts and the values of `!env`, `!ref` and `!format` are written out. Without it,
   * what a loaded file includes is written as in the file, as long as it did not change.
   */
  resolved?: boolean
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
  { registry = registryOf(value), defaults = false, resolved = false }: DumpOptions = {},
): string {
  return write(value, { registry, defaults, resolved }, false)
}

/** The nodes of an object with what its schemas filled in; variables whose names look like those of secrets stay `!env`. */
export function nodesWithDefaults(value: unknown, registry: Registry): Node {
  return represent(value, { registry, defaults: true, resolved: true, keepsSecretVariables: true }).root
}

function write(value: unknown, options: CompleteDumpOptions, isYaml11: boolean): string {
  const quick = isYaml11 || options.defaults ? undefined : writeWithoutNodes(value, options.registry)
  if (quick !== undefined) return quick
  return writeNodes(represent(value, options), isYaml11)
}

function writeWithoutNodes(value: unknown, registry: Registry): string | undefined {
  return unchangedText(value, registry) ?? writeObject(value, registry)
}

/** Writes the nodes of a value; `isYaml11`: the documents before it leave YAML 1.1 in force. */
export function writeNodes({ representation, root }: Represented, isYaml11: boolean): string {
  const spliced = patchText(root, representation, isYaml11)
  if (spliced !== undefined) return spliced
  const loaded = [...representation.sources].some(({ document }) => document.start >= 0)
  if (!loaded) {
    const names = representation.repeats ? anchorNames(root) : new Map<Node, string>()
    const quick = isYaml11 ? undefined : writeQuickly(root, names)
    return quick ?? new DocumentWriter(representation).write(root, isYaml11)
  }
  const styled = new DocumentWriter(representation).write(root, isYaml11)
  return roundTrips(styled, root) ? styled : new DocumentWriter(representation, true).write(root, isYaml11)
}

/** The nodes that a value is written as. */
export interface Represented {
  readonly representation: Representation
  readonly root: Node
}

type CompleteDumpOptions = RepresentOptions & { readonly registry: Registry }

/** The nodes of a value. */
export function represent(value: unknown, { registry, ...options }: CompleteDumpOptions): Represented {
  const representation = new Representation(registry, options)
  const made = representation.represent(value)
  if (representation.referencesHold(made)) return folded(representation, made, options)
  const expanded = new Representation(registry, { ...options, expanded: true })
  return folded(expanded, expanded.represent(value), options)
}

function folded(
  representation: Representation,
  made: Node,
  { resolved }: { resolved: boolean },
): Represented {
  return { representation, root: resolved ? made : foldComposed(made, representation) }
}

/** The registry that an object was loaded with, else the default registry. */
export function registryOf(value: unknown): Registry {
  const record = typeof value === 'object' && value !== null ? provenanceOf(value) : undefined
  return record?.loaded?.context.registry ?? currentRegistry()
}

/**
 * Writes several objects as the documents of one text.
 *
 * ```ts
 * await writeFile('trials.yaml', dumpAll(trials))
 * ```
 */
export function dumpAll(
  values: Iterable<unknown>,
  { registry, defaults = false, resolved = false }: DumpOptions = {},
): string {
  const texts: string[] = []
  let isYaml11 = false
  for (const value of values) {
    const text = write(value, { registry: registry ?? registryOf(value), defaults, resolved }, isYaml11)
    if (texts.length > 0) texts.push(separatorBetween(texts.at(-1)!, text))
    texts.push(text)
    isYaml11 = isYaml11After(text, isYaml11)
  }
  // An empty document at the end stays one.
  if (texts.length > 1 && texts.at(-1) === 'null\n') texts.pop()
  return texts.join('')
}

const lead = '^(?:[ \\t]*(?:#[^\\n]*)?\\r?\\n)*'
const directive = new RegExp(`${lead}%`)
const marker = new RegExp(`${lead}---(?=\\s|$)`)
const end = /^\.\.\.[ \t]*(?:#[^\n]*)?\r?\n\s*$/m

// Directives must be told from the text of the document before them.
function separatorBetween(before: string, text: string): string {
  if (directive.test(text)) return end.test(before) ? '' : '...\n'
  return marker.test(text) ? '' : '---\n'
}

function isYaml11After(text: string, isYaml11: boolean): boolean {
  const version = directive.test(text) ? /^%YAML[ \t]+(\S+)/m.exec(text)?.[1] : undefined
  return version === undefined ? isYaml11 : version === '1.1'
}
