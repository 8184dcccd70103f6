import { mkdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { didYouMean } from '../registry/suggest.js'
import { ExtensionFailure } from './extension-failure.js'
import { type GitSource, redacted } from './source.js'
import { explainingToolErrors, runTool, ToolError, type ToolOptions } from './tool.js'

/** A commit of a repository, and the folder in it that contains the extension. */
export interface GitLocation {
  readonly commit: string
  readonly folder: string
}

/** How a commit is checked out. */
export interface CheckOutOptions {
  /** The folder of the new working tree. */
  readonly into: string
  readonly signal: AbortSignal | undefined
}

const isCommit = /^[0-9a-f]{40,64}$/
const maybeAbbreviated = /^[0-9a-f]{7,64}$/

/**
 * Asks the repository which commit a source names. A commit with an abbreviated hash has to be checked out to be found.
 *
 * @throws {@link ExtensionFailure} when there is no such branch, tag or commit, or the repository does not answer.
 */
export async function locateCommit(source: GitSource, options: CheckOutOptions): Promise<GitLocation> {
  const location = await locateRef(source, options.signal)
  if (isCommit.test(location.commit)) return location
  const { commit } = await checkOut(source.url, { ...location, folder: '' }, options)
  return { ...location, commit }
}

async function locateRef(source: GitSource, signal: AbortSignal | undefined): Promise<GitLocation> {
  const { url, ref, folder, tree } = source
  if (isCommit.test(ref)) return { commit: ref, folder }
  const refs = await refsOf(url, signal)
  if (tree !== undefined) return locateTree(url, tree, refs)
  return { commit: commitOf(url, ref, refs), folder }
}

// The name of a branch may contain a slash: the longest name that exists is the branch.
function locateTree(url: string, tree: string, refs: ReadonlyMap<string, string>): GitLocation {
  const steps = tree.split('/')
  for (let count = steps.length; count > 0; count--) {
    const commit = refs.get(steps.slice(0, count).join('/'))
    if (commit) return { commit, folder: steps.slice(count).join('/') }
  }
  return { commit: commitOf(url, steps[0]!, refs), folder: steps.slice(1).join('/') }
}

function commitOf(url: string, ref: string, refs: ReadonlyMap<string, string>): string {
  const commit = refs.get(ref) ?? (maybeAbbreviated.test(ref) ? ref : undefined)
  if (commit) return commit
  const names = [...refs.keys()].filter((name) => name !== 'HEAD')
  const remedy = didYouMean(ref, names) || `: it has ${names.slice(0, 10).join(', ') || 'no branches'}`
  throw noRef(url, ref, remedy)
}

function noRef(url: string, ref: string, remedy: string): ExtensionFailure {
  const message = `cannot be fetched: "${redacted(url)}" has no branch, tag or commit "${ref}"${remedy}`
  return new ExtensionFailure('NO_REF', message)
}

/** The commits of a repository by the short names of its branches and tags, and `HEAD`. */
async function refsOf(url: string, signal: AbortSignal | undefined): Promise<Map<string, string>> {
  const listed = await explainingToolErrors({ displaySource: redacted(url) }, () =>
    runTool('git', ['ls-remote', '--', url], { signal }),
  )
  const refs = new Map<string, string>()
  // An annotated tag is listed twice: the commit that it points at comes last, as "name^{}".
  for (const [, commit, name] of listed.matchAll(/^(\w+)\t(?:refs\/(?:heads|tags)\/)?(\S+?)(?:\^\{\})?$/gm))
    refs.set(name!, commit!)
  return refs
}

/** Checks out a commit; returns its full hash, and the path of the folder of the extension. */
export async function checkOut(
  url: string,
  { commit, folder }: GitLocation,
  { into: cwd, signal }: CheckOutOptions,
): Promise<GitLocation> {
  await mkdir(cwd, { recursive: true })
  const head = await explainingToolErrors({ displaySource: redacted(url) }, async () => {
    await runTool('git', ['init', '--quiet'], { cwd, signal })
    await fetchCommit(url, commit, { cwd, signal })
    await runTool('git', ['checkout', '--quiet', '--detach', commit], { cwd, signal })
    return runTool('git', ['rev-parse', 'HEAD'], { cwd, signal })
  })
  return { commit: head.trim(), folder: await folderWithin(cwd, folder) }
}

// Not every server sends a commit by its hash: then all branches and tags are fetched.
async function fetchCommit(url: string, commit: string, options: ToolOptions): Promise<void> {
  if (await hasCommit(commit, options)) return
  try {
    await runTool('git', ['fetch', '--quiet', '--depth=1', '--', url, commit], options)
  } catch (error) {
    if (!(error instanceof ToolError)) throw error
    const all = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*']
    await runTool('git', ['fetch', '--quiet', '--', url, ...all], options)
    if (!(await hasCommit(commit, options))) throw noRef(url, commit, '')
  }
}

async function hasCommit(commit: string, options: ToolOptions): Promise<boolean> {
  try {
    await runTool('git', ['rev-parse', '--verify', '--quiet', `${commit}^{commit}`], options)
    return true
  } catch (error) {
    if (error instanceof ToolError) return false
    throw error
  }
}

async function folderWithin(root: string, folder: string): Promise<string> {
  const inside = await realpath(join(root, folder)).catch(() => undefined)
  const top = await realpath(root)
  if (inside !== undefined && `${inside}${sep}`.startsWith(`${top}${sep}`)) return inside
  throw new ExtensionFailure(
    'EXTENSION_NOT_FOUND',
    `cannot be fetched: its repository has no folder "${folder}"`,
  )
}
