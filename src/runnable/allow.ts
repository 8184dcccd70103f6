import { spanOf } from '../document/problems.js'
import type { Parsed } from '../document/read/parsed.js'
import { type Problem, RunnableFileError } from '../errors.js'
import type { Registry } from '../registry/registry.js'
import type { Tag } from '../registry/tag.js'
import type { Class } from '../registry/types.js'
import { reportProblems } from '../report.js'
import { takeApart } from './runnable-file.js'

/** What the top node of a file may be: exactly this tag, or any tag and factory of exactly this class. */
export type Allowed = Tag | Class

/**
 * Refuses a runnable file whose top node is not allowed. Its extensions are not imported by then: a tag of one is allowed
 * by its text alone.
 *
 * @throws {@link RunnableFileError} that points at the tag.
 */
export function expectAllowed(parsed: Parsed, allow: readonly Allowed[], registry: Registry): void {
  const problem = refusedTop(parsed, allow, registry)
  if (problem) throw new RunnableFileError(reportProblems([problem]), { problems: [problem] })
}

/** The problem of a top node that is not allowed. */
export function refusedTop(
  parsed: Parsed,
  allow: readonly Allowed[],
  registry: Registry,
): Problem | undefined {
  const { root } = takeApart(parsed).document
  if (root.tag !== undefined && allow.some((each) => isTagOf(root.tag!, each, registry))) return undefined
  const found = root.tag === undefined ? 'A top node without a tag' : `"${root.tag}"`
  const allowed = allow.map((each) => `"${typeof each === 'string' ? each : nameOf(each, registry)}"`)
  const message = `${found} is not allowed at the top of this file: allowed is ${allowed.join(', ') || 'nothing'}`
  return parsed.source.problem('NOT_ALLOWED', message, spanOf(root))
}

function isTagOf(tag: string, allowed: Allowed, registry: Registry): boolean {
  if (typeof allowed === 'string') return tag === allowed
  const resolved = registry.get(tag)
  // The class of the other of two copies of a package has the same tag.
  return resolved !== undefined && (resolved.Class === allowed || resolved.tag === registry.tagOf(allowed))
}

function nameOf(Class: Class, registry: Registry): string {
  return registry.tagOf(Class) ?? Class.name
}
