import { dirname, join, relative, sep } from 'node:path'
import type { Entry, MappingNode, Node, ScalarNode } from '../node.js'
import type { Source } from '../source.js'
import type { ParsedText } from './read/parsed.js'

/** What an `!include`, or the `file` of an `!extends`, names. */
export interface IncludeSpec {
  /** The path of the file, as written. */
  readonly path: string
  /** The path of the part after `#`; `undefined` for the whole document. */
  readonly part: string | undefined
  /** The scalar with both. */
  readonly node: ScalarNode
}

/** The nodes of a text that include files. */
export function includeNodes({ documents }: ParsedText): Node[] {
  return documents.flatMap(({ tagged }) => tagged.filter(includesFile))
}

/** Whether a node includes a file. */
export function includesFile({ tag }: Node): boolean {
  return tag === '!include' || tag === '!extends'
}

/** What a node includes; `undefined` if it does not name a file. */
export function specOf(node: Node): IncludeSpec | undefined {
  const scalar = node.tag === '!extends' ? optionOf(node, 'file')?.value : node
  if (scalar?.kind !== 'scalar' || typeof scalar.value !== 'string' || scalar.value === '') return undefined
  const hash = scalar.value.indexOf('#')
  return hash === -1
    ? { path: scalar.value, part: undefined, node: scalar }
    : { path: scalar.value.slice(0, hash), part: scalar.value.slice(hash + 1), node: scalar }
}

/** An entry of a mapping by its key. */
export function optionOf(node: Node, name: string): Entry | undefined {
  return (node as Partial<MappingNode>).entries?.find(
    ({ key }) => key.kind === 'scalar' && key.value === name,
  )
}

// The name of a file may lead through symbolic links, while its paths start at the folder that it is really in.
const realFolders = new WeakMap<Source, string>()

/** Records the folder from which the paths in a text start. */
export function recordFolder(source: Source, folder: string): void {
  realFolders.set(source, folder)
}

/** The path of an included file, as the file of another text names it. */
export function relocatePath(path: string, from: Source, to: Source): string {
  const hash = path.indexOf('#')
  const [file, part] = hash === -1 ? [path, ''] : [path.slice(0, hash), path.slice(hash)]
  const [start, end] = [realFolders.get(to), realFolders.get(from)]
  const moved =
    start !== undefined && end !== undefined
      ? relative(start, join(end, file))
      : relative(dirname(to.filename), join(dirname(from.filename), file))
  return moved.split(sep).join('/') + part
}
