import { registryOf, represent } from '../../document/write/dump.js'
import { RegistrationError } from '../../errors.js'
import { isApplicationTag, type Node } from '../../node.js'
import type { Class } from '../../registry/registration.js'
import type { Registry } from '../../registry/registry.js'
import { isRunnable, type Runnable } from '../../runnable/runnable.js'
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
  const { files } = Class as { files?: unknown }
  if (isPatterns(files))
    return files.map((pattern) => ({ pattern, origin: `the static "files" of class "${Class.name}"` }))
  // A static "files" of another class may be anything.
  if (files === undefined || !isRunnable(Class.prototype)) return []
  const message = `The static "files" of class "${Class.name}" must be a list of paths and patterns: write "static files = ['data/*.csv']"`
  throw new RegistrationError(message, { code: 'BAD_STATIC_FILES' })
}

function isPatterns(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '')
}
