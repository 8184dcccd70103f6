import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { mapLimited } from '../util/concurrency.js'
import type { PrivateFiles } from '../util/private-files.js'
import { GitProcess, withoutLineEnd } from './git-process.js'
import { type ChangedPath, changesOf, type WorkTree } from './patch.js'
import type { RecordedGit } from './record.js'

/** The state of a repository, and how its files differ from the commit. */
export interface GitState {
  readonly git: RecordedGit
  /** For `git apply` on a checkout of the commit; absent when nothing changed. */
  readonly patch?: Buffer
}

/** A git that hangs must not delay the end of a run, in milliseconds. */
const mostMs = 10_000
/** More names of files that a patch leaves out are only counted. */
const mostNamed = 1000
/** Of more submodules, only the commits are compared. */
const mostSubmodules = 100
/** How many submodules are looked at at once. */
const maxConcurrency = 4

/**
 * The state of the repository that a folder is in; `undefined` outside of one, and without git. The repository is only read: the
 * patch is made with an index and objects of its own. Changed files that must not be copied stay out of it.
 */
export async function gitState(folder: string, privateFiles: PrivateFiles): Promise<GitState | undefined> {
  const signal = AbortSignal.timeout(mostMs)
  try {
    const git = await GitProcess.open(folder, signal)
    const { branch, ...tree } = await workTreeOf(git)
    const { patch, left, isDirty } = await stateOf(tree, privateFiles)
    const named = { ...(branch !== undefined && { branch }), dirty: isDirty, ...leftOut(left) }
    return { git: { commit: tree.commit, ...named }, ...(patch && { patch }) }
  } catch {
    return undefined
  }
}

interface TreeState {
  readonly isDirty: boolean
  readonly left: readonly string[]
  readonly patch?: Buffer | undefined
}

async function stateOf(tree: WorkTree, privateFiles: PrivateFiles): Promise<TreeState> {
  const [changed, submodules] = await Promise.all([
    changedPaths(tree.git, tree.root).catch(() => undefined),
    dirtySubmodules(tree.git, tree.root),
  ])
  // Too large, or too slow: the whole tree counts as changed, and none of it is kept.
  if (!changed) return { isDirty: true, left: ['.'] }
  if (changed.length === 0) return { isDirty: submodules.length > 0, left: submodules }
  const { patch, left } = await changesOf(tree, changed, privateFiles)
  return { isDirty: true, patch, left: [...left, ...submodules] }
}

function leftOut(left: readonly string[]): Pick<RecordedGit, 'left' | 'leftMore'> {
  if (left.length === 0) return {}
  const more = left.length - mostNamed
  return more <= 0 ? { left } : { left: left.slice(0, mostNamed), leftMore: more }
}

async function workTreeOf(git: GitProcess): Promise<WorkTree & { readonly branch: string | undefined }> {
  // Fails in a repository without a commit, which has nothing that a patch could apply to.
  const answer = await git.run(['rev-parse', 'HEAD', '--symbolic-full-name', 'HEAD', '--show-toplevel'])
  // The name of a folder may contain a line break.
  const [commit = '', head = '', ...root] = withoutLineEnd(answer).split('\n')
  const branch = head.startsWith('refs/heads/') ? head.slice('refs/heads/'.length) : undefined
  return { git, root: root.join('\n'), commit, branch }
}

// Git would look into submodules with their own filters, so they are asked for themselves.
const statusCommand = ['status', '--porcelain=v2', '-z', '--no-renames', '--ignore-submodules=dirty']

async function changedPaths(git: GitProcess, folder: string): Promise<ChangedPath[]> {
  const text = (await git.run([...statusCommand, '--untracked-files=all'], { folder })).toString()
  return text.split('\0').flatMap((line) => changedPath(line) ?? [])
}

/** The number of fields before the path, by the kind of line. */
const fieldsBefore: Readonly<Record<string, number>> = { '1': 8, u: 10, '?': 1 }

function changedPath(line: string): ChangedPath | undefined {
  const kind = line[0] ?? ''
  const count = fieldsBefore[kind]
  if (count === undefined) return undefined
  const fields = line.split(' ')
  const [, states = '', submodule = ''] = fields
  return {
    path: fields.slice(count).join(' '),
    isDeleted: kind === '1' && states.includes('D'),
    isSubmodule: kind !== '?' && submodule.startsWith('S'),
  }
}

/** The submodules with changes that no commit of theirs has. */
async function dirtySubmodules(git: GitProcess, root: string): Promise<string[]> {
  if (!existsSync(join(root, '.gitmodules'))) return []
  const query = ['config', '--file', '.gitmodules', '--null', '--get-regexp', '^submodule\\..*\\.path$']
  const listed = await git.run(query, { folder: root }).catch(() => Buffer.of())
  const entries = listed.toString().split('\0').filter(Boolean)
  const paths = entries.map((entry) => entry.slice(entry.indexOf('\n') + 1))
  // In a submodule that is not checked out, git would find the repository around it.
  const present = paths.filter((path) => existsSync(join(root, path, '.git'))).slice(0, mostSubmodules)
  const dirty = await mapLimited(present, maxConcurrency, async (path) =>
    (await isDirty(join(root, path), git.signal)) ? [`${path}/`] : [],
  )
  return dirty.flat()
}

async function isDirty(folder: string, signal: AbortSignal): Promise<boolean> {
  try {
    const git = await GitProcess.open(folder, signal)
    const status = await git.run([...statusCommand, '--untracked-files=normal'])
    return status.length > 0 || (await dirtySubmodules(git, folder)).length > 0
  } catch {
    return true
  }
}
