import { textOf } from '../document/nodes.js'
import { spanOf } from '../document/problems.js'
import { RunnableFileError } from '../errors.js'
import type { Registry } from '../registry/registry.js'
import { reportProblems } from '../report.js'
import type { Declared, Imported } from './file-extensions.js'

/** Extensions that a process imported before it read any file: its files may declare these and no others. */
export interface PreparedExtensions extends Imported {
  /** Where each comes from, as files have to spell it. */
  readonly sources: Readonly<Record<string, string>>
}

/**
 * Imports extensions by their sources, where paths are relative to the current folder.
 *
 * @throws {@link ExtensionError} with every extension that cannot be had.
 */
export async function prepareExtensions(
  sources: Readonly<Record<string, string>>,
  registry: Registry,
): Promise<PreparedExtensions> {
  if (Object.keys(sources).length === 0) return { sources, registry, imported: [] }
  const { extensionError, importEach, resolveEach } = await import('../extensions/index.js')
  const own = registry.child()
  const resolved = await resolveEach(sources, { from: '.' })
  const imported = await importEach(resolved.found, own)
  const failures = [...resolved.failures, ...imported.failures]
  if (failures.length > 0) throw extensionError(failures)
  return { sources, registry: own, imported: imported.found }
}

/**
 * Refuses a file that declares an extension which is not among those that are prepared, from the same source.
 *
 * @throws {@link RunnableFileError} with each of them.
 */
export function expectPrepared(declared: Declared, { sources }: PreparedExtensions): void {
  const others = declared.declarations.filter(({ key }) => {
    const name = textOf(key)
    return !Object.hasOwn(sources, name) || sources[name] !== declared.extensions[name]
  })
  if (others.length === 0) return
  const problems = others.map(({ key }) =>
    declared.source.problem('EXTENSION_REFUSED', refusalOf(textOf(key), sources), spanOf(key)),
  )
  throw new RunnableFileError(reportProblems(problems), { problems })
}

function refusalOf(name: string, sources: PreparedExtensions['sources']): string {
  const started = Object.hasOwn(sources, name) ? 'with another source of it' : 'without it'
  return `Extension "${name}" is refused: the worker was started ${started}; give it to "extensions" of what starts the worker ("openPool", "startWorkers")`
}
