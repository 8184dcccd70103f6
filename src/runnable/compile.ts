import { tagAsKey } from '../document/check/tag-as-key.js'
import { constructDocument } from '../document/load.js'
import { documentError } from '../document/problems.js'
import type { Parsed } from '../document/read/parsed.js'
import type { DocumentError } from '../errors.js'
import type { Registry } from '../registry/registry.js'
import { isRunnable, type Runnable } from './runnable.js'
import { type RunnableFile, takeApart, wrong } from './runnable-file.js'

type Root = RunnableFile['document']['root']

/** Constructs the runnable of a file, which knows its text. */
export function compile(parsed: Parsed, registry: Registry): Runnable<unknown, any> {
  if (parsed.problems.length > 0) throw documentError(parsed.problems)
  const { document, content } = takeApart(parsed)
  const untagged = tagAsKey(document, parsed.source, registry)
  if (untagged.length > 0) throw documentError(untagged)
  expectRunnable(parsed, document.root, registry)
  const runnable = constructDocument(parsed.source, document, registry)
  if (!isRunnable(runnable)) throw notRunnable(parsed, document.root)
  if (typeof runnable.run !== 'function') throw cannotRun(parsed, document.root)
  runnable.injectContent(content)
  return runnable
}

// Known from the tag alone in most files: then nothing is constructed in vain.
function expectRunnable(parsed: Parsed, root: Root, registry: Registry): void {
  const resolved = root.tag === undefined ? undefined : registry.get(root.tag)
  const plainClass = resolved && resolved.factory === undefined && !resolved.definition.fromYaml
  if (!resolved || (plainClass && !isRunnable(resolved.Class.prototype))) throw notRunnable(parsed, root)
}

function notRunnable(parsed: Parsed, root: Root): DocumentError {
  const found = root.tag === undefined ? 'the top node has no tag' : `"${root.tag}" is none`
  return wrong(
    parsed,
    'NOT_RUNNABLE',
    root,
    `A runnable file holds a runnable, but ${found}: name a class that extends Runnable`,
  )
}

// The compiler says so of TypeScript; nobody does of JavaScript.
function cannotRun(parsed: Parsed, root: Root): DocumentError {
  return wrong(parsed, 'NOT_RUNNABLE', root, `"${root.tag}" has no method "run": write one in its class`)
}
