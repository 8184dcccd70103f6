import { readComposed } from '../../document/compose/read-composed.js'
import { nodeAt, parsePath, printPath, type Step, stepsOf } from '../../document/path.js'
import { isFile } from '../../modules/resolve.js'
import { isApplicationTag, type Node } from '../../node.js'
import { absolutePath } from '../../util/paths.js'

/** More nodes are not visited. */
const mostNodes = 100_000
/** Of more paths, only their next part is offered. */
const mostPaths = 200

/**
 * Completes an override of a file: paths such as `optimizer.rate=`, `callbacks+=` and `~cache`, and after `=` the present
 * value, or tags.
 */
export async function overrideCandidates(
  word: string,
  file: string,
  tags: () => Promise<readonly string[]>,
): Promise<string[]> {
  const root = await rootOf(file)
  if (!root) return []
  const [, head = '', path = '', value = ''] =
    /^((?!~)((?:"(?:[^"\\]|\\.)*"|[^"=])*?)\+?=)(.*)$/s.exec(word) ?? []
  if (head !== '') return (await valuesAt(root, path, { value, tags })).map((each) => head + each)
  return shortened(word.startsWith('~') ? removals(root) : changes(root), word)
}

async function rootOf(file: string): Promise<Node | undefined> {
  // A pipe would be waited for, and what is read from it would be lost.
  if (!isFile(absolutePath(file))) return undefined
  const { documents } = await readComposed(file, {})
  return documents.at(-1)?.root
}

interface ValueWord {
  readonly value: string
  readonly tags: () => Promise<readonly string[]>
}

async function valuesAt(root: Node, path: string, { value, tags }: ValueWord): Promise<readonly string[]> {
  if (value.startsWith('!')) return tags()
  const { node, miss } = nodeAt(root, parsePath(path).steps)
  if (value !== '' || miss !== undefined) return []
  return isApplicationTag(node.tag) ? tags() : presentValue(node)
}

function presentValue(node: Node): string[] {
  const isShown = node.kind === 'scalar' && node.plain && node.origin === undefined
  return isShown ? [String(node.value)].filter((text) => /^[\w.+-]{1,40}$/.test(text)) : []
}

// What has parts is changed by its parts; "optimizer=" is typed to replace the whole.
function* changes(root: Node): Generator<string> {
  for (const { path, node } of nodesBelow(root)) {
    const hasParts = (node.kind === 'mapping' && node.entries.length > 0) || node.kind === 'sequence'
    if (node.kind === 'sequence') yield `${path}+=`
    if (!hasParts) yield `${path}=`
  }
}

function* removals(root: Node): Generator<string> {
  for (const { path } of nodesBelow(root)) yield `~${path}`
}

function* nodesBelow(root: Node): Generator<{ path: string; node: Node }> {
  const stack: { steps: readonly Step[]; node: Node }[] = [{ steps: [], node: root }]
  for (let count = 0; count < mostNodes; count++) {
    const next = stack.pop()
    if (!next) return
    if (next.steps.length > 0) yield { path: printPath(next.steps), node: next.node }
    const parts = [...stepsOf(next.node)].map(([step, node]) => ({ steps: [...next.steps, step], node }))
    stack.push(...parts.reverse())
  }
}

function shortened(all: Iterable<string>, word: string): string[] {
  const found = [...all].filter((each) => each.startsWith(word))
  if (found.length <= mostPaths) return found
  const rest = /^(?:.[^.[]*)?[.[]?/s
  return [...new Set(found.map((each) => word + rest.exec(each.slice(word.length))![0]))]
}
