import type { Problem } from '../errors.js'
import type { Node } from '../node.js'
import { reportProblems } from '../problem-report.js'
import type { Source } from '../source.js'
import { provenanceOf } from './construct/provenance.js'
import { targetOf, textOfKey } from './nodes.js'
import { nodeProblem } from './problems.js'

/** A node, and the text that it is in. */
export interface WrittenNode {
  readonly node: Node
  readonly source: Source
}

/** Where the file of an object has it, or the value of its option; `undefined` when no file has that. */
export function writtenOption(object: object, option?: string): WrittenNode | undefined {
  const { loaded } = provenanceOf(object) ?? {}
  if (!loaded) return undefined
  const { source } = loaded.context
  if (option === undefined) return { node: loaded.node, source }
  const target = targetOf(loaded.node)
  const entry =
    target?.kind === 'mapping' ? target.entries.find(({ key }) => textOfKey(key) === option) : undefined
  return entry && { node: entry.value, source }
}

/** The text and the options of an error about something written: with its problem, where a file has it. */
export function errorAt(
  written: WrittenNode | undefined,
  code: string,
  message: string,
): { readonly text: string; readonly options: { code: string; problems?: readonly Problem[] } } {
  if (!written) return { text: message, options: { code } }
  const problems = [nodeProblem(written.node, written.source, code, message)]
  return { text: reportProblems(problems), options: { code, problems } }
}
