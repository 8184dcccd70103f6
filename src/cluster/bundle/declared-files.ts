import { registryOf, represent } from '../../document/write/dump.js'
import { isApplicationTag, type Node } from '../../node.js'
import type { Class } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import { isRunnable, type Runnable } from '../../runnable/runnable.js'
import { isFilePatterns, requiredFilesOf } from '../../runnable/statics.js'
import type { FilePattern } from './run-files.js'

/**
 * The `static files` of the classes in a runnable: of itself, and of everything inside it that has a tag, templates
 * included.
 *
 * @throws {@link RegistrationError} when the `static files` of a runnable is wrong.
 */
export function declaredFiles(
  runnable: Runnable<unknown, any>,
  registry: Registry = registryOf(runnable),
): FilePattern[] {
  const { root } = represent(runnable, { registry, defaults: false, resolved: true })
  const classes = new Set<Class>()
  for (const tag of tagsOf(root)) {
    const found = isApplicationTag(tag) ? registry.get(tag)?.Class : undefined
    if (found) classes.add(found)
  }
  return [...classes].flatMap(patternsOf)
}

function* tagsOf(node: Node): Generator<string> {
  if (node.tag !== undefined) yield node.tag
  if (node.kind === 'sequence') for (const item of node.items) yield* tagsOf(item)
  if (node.kind !== 'mapping') return
  for (const { key, value } of node.entries) {
    yield* tagsOf(key)
    yield* tagsOf(value)
  }
}

function patternsOf(Class: Class): FilePattern[] {
  // A static "files" of another class may be anything.
  if (!isRunnable(Class.prototype) && !isFilePatterns((Class as { files?: unknown }).files)) return []
  const origin = `the static "files" of class "${Class.name}"`
  return requiredFilesOf(Class).map((pattern) => ({ pattern, origin }))
}
