import { dirname, resolve } from 'node:path'
import type { ComposeFileOptions } from '../document/compose/read-composed.js'
import { resolveReferences } from '../document/compose/references.js'
import { documentError, inFileOrder } from '../document/problems.js'
import { dump } from '../document/write/dump.js'
import { blame, type ResolvedDocument, resolveDocument, type ValueOrigin } from '../document/write/resolve.js'
import type { Problem } from '../errors.js'
import { absoluteSource } from '../extensions/source.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Registry } from '../registry/registry.js'
import { type ExtensionOptions, locateIn, type Surroundings, tryImport } from './import-extensions.js'
import { type RunnableFile, RunnableText } from './runnable-file.js'

/** Options of {@link resolveFile}. */
export interface ResolveFileOptions extends ExtensionOptions, Surroundings, ComposeFileOptions {
  /** The registry of tags; the default registry when absent. */
  registry?: Registry
  /** Called with what works but is probably not meant. */
  onWarning?: (warning: Problem) => void
}

/** A file that is made of files, as one file. */
export interface ResolvedFile {
  /** The one file: loading it gives an equal graph of objects. */
  readonly text: string
  /** Where each value comes from, in the order of `text`. */
  readonly origins: readonly ValueOrigin[]
  /** The lines of `text`, each with the file and line that it comes from. */
  blame(): string
}

/**
 * Writes a file, with what it includes and its overrides, as one file. Nothing is constructed, and no tag has to be registered;
 * of the options, only those that say where a value comes from are checked.
 *
 * ```ts
 * const { text } = await resolveFile('train.yaml', { set: ['rate=0.1'] })
 * ```
 *
 * @throws {@link DocumentError} when something cannot be included or found.
 * @throws {@link ResourceError} when the file does not exist or is not text.
 */
export async function resolveFile(
  file: string | URL,
  options: ResolveFileOptions = {},
): Promise<ResolvedFile> {
  const text = await RunnableText.read(file, options)
  text.expectWellFormed()
  const declared = text.split()
  const registry = await registryOf(declared, options)
  const problems = resolveReferences(text.parsed, registry)
  if (problems.length > 0) throw documentError(inFileOrder(problems))
  for (const warning of text.parsed.warnings ?? []) options.onWarning?.(warning)
  const resolved = resolveDocument(declared.document, declared.source, registry)
  const whole = withExtensions(resolved, declared)
  return { ...whole, blame: () => blame(whole) }
}

/**
 * The one file that a record keeps: it runs from any folder, and variables that look like secrets stay `!env`. Returns nothing
 * when its references are wrong.
 */
export function recordedFile(text: RunnableText, registry: Registry): ResolvedDocument | undefined {
  if (text.parsed.problems.length > 0 || resolveReferences(text.parsed, registry).length > 0) return undefined
  const declared = text.split()
  const { document, source, extensions } = declared
  const from = dirname(resolve(source.filename))
  const absolute = Object.entries(extensions).map(
    ([name, path]) => [name, absoluteSource(path, from)] as const,
  )
  const isMoved = absolute.some(([name, path]) => extensions[name] !== path)
  const resolved = resolveDocument(document, source, registry, { keepsSecretVariables: true })
  return withExtensions(resolved, { ...declared, extensions: Object.fromEntries(absolute) }, isMoved)
}

// Whether an option is a template is known by its class only: an extension that cannot be imported has none.
async function registryOf(file: RunnableFile, options: ResolveFileOptions): Promise<Registry> {
  const { registry = currentRegistry() } = options
  if (file.declarations.length === 0) return registry
  const { registry: own, failures } = await tryImport(file, registry, options)
  for (const failure of failures) options.onWarning?.(locateIn(file)(failure))
  return own
}

function withExtensions(
  { text, origins }: ResolvedDocument,
  file: RunnableFile,
  isMoved = false,
): ResolvedDocument {
  const { extensions, declarations, source, document } = file
  if (declarations.length === 0) return { text, origins }
  const isOwn = !isMoved && declarations.every((entry) => entry.value.source === undefined)
  const head = isOwn ? source.text.slice(0, document.start) : dump(extensions)
  const separator = isOwn || /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*---/.test(text) ? '' : '---\n'
  const before = head + separator
  const lines = before.split('\n').length - 1
  return {
    text: before + text,
    origins: origins.map((origin) => ({ ...origin, resolvedLine: origin.resolvedLine + lines })),
  }
}
