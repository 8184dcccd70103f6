import { constants, type Stats } from 'node:fs'
import { access, lstat, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { mapLimited } from '../util/concurrency.js'
import type { PrivateFiles } from '../util/private-files.js'
import { isInRepositoryFolder } from '../util/private-names.js'
import { type GitProcess, withoutLineEnd } from './git-process.js'
import { type PatchPart, patchParts, sidesOf } from './patch-parts.js'

/** The files of a repository, and the commit that is checked out. */
export interface WorkTree {
  readonly git: GitProcess
  /** The top folder. */
  readonly root: string
  readonly commit: string
}

/** A path that differs from the commit, or that git does not track. */
export interface ChangedPath {
  /** From the top folder; that of another repository ends with `/`. */
  readonly path: string
  readonly isDeleted: boolean
  readonly isSubmodule: boolean
}

/** Changed files as a patch. */
export interface Changes {
  readonly patch: Buffer | undefined
  /** The paths that the patch leaves out. */
  readonly left: readonly string[]
}

/** Larger files are not part of a patch, in bytes. */
const largestFile = 1 << 20
/** The most files of a patch: more that no `.gitignore` names are data. */
const mostFiles = 1000
/** The files of a patch are not larger together, in bytes. */
const largestContent = 1 << 24
/** A larger patch is not kept, in bytes. */
const largestPatch = 1 << 25
/** How many files are looked at at once. */
const maxConcurrency = 16

/** Makes the patch of changed files, without those that must not be copied. */
export async function changesOf(
  tree: WorkTree,
  changed: readonly ChangedPath[],
  privateFiles: PrivateFiles,
): Promise<Changes> {
  const { kept, left } = await select(tree, changed, privateFiles)
  // Git makes an empty list of files the whole tree.
  if (kept.length === 0) return { patch: undefined, left }
  const bytes = await writePatch(tree, kept).catch(() => undefined)
  if (!bytes || bytes.length > largestPatch)
    return { patch: undefined, left: changed.map(({ path }) => path) }
  const parts = patchParts(bytes.toString('latin1')).map((part) => ({ ...part, path: utf8(part.path) }))
  // What was deleted is still in the patch, and a file may have changed since it was looked at.
  const secret = parts.filter((part) => isPrivatePart(part, privateFiles))
  const text = parts.filter((part) => !secret.includes(part)).map((part) => part.text)
  const patch = text.length === 0 ? undefined : Buffer.from(text.join(''), 'latin1')
  return { patch, left: [...left, ...new Set(secret.map(({ path }) => path))] }
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString()
}

function isPrivatePart({ path, text }: PatchPart, privateFiles: PrivateFiles): boolean {
  return sidesOf(text).some((side) => privateFiles.isPrivateText(path, side))
}

interface SelectedPaths {
  readonly kept: readonly ChangedPath[]
  readonly left: readonly string[]
}

// Git lists tracked files first, so that of too many files those are kept.
async function select(
  tree: WorkTree,
  changed: readonly ChangedPath[],
  privateFiles: PrivateFiles,
): Promise<SelectedPaths> {
  const sizes = await mapLimited(changed.slice(0, mostFiles), maxConcurrency, async (each) =>
    tree.git.signal.aborted ? undefined : keptSize(tree.root, each, privateFiles),
  )
  const kept: ChangedPath[] = []
  const left: string[] = []
  let total = 0
  for (const [index, each] of changed.entries()) {
    const size = sizes[index] ?? Number.POSITIVE_INFINITY
    if (total + size > largestContent) left.push(each.path)
    else {
      total += size
      kept.push(each)
    }
  }
  return { kept, left }
}

/** The size of a file that may be part of a patch; `undefined` of one that must not. */
async function keptSize(
  root: string,
  { path, isDeleted, isSubmodule }: ChangedPath,
  privateFiles: PrivateFiles,
): Promise<number | undefined> {
  const file = join(root, path)
  const isNamed = privateFiles.isNamed(path) || privateFiles.isAt(file)
  if (path.endsWith('/') || isNamed || isInRepositoryFolder(path) || isRecord(path)) return undefined
  const stats = isDeleted ? undefined : await lstat(file).catch(() => undefined)
  if (!stats || stats.isSymbolicLink() || isSubmodule) return 0
  return (await isKept(file, stats, privateFiles)) ? stats.size : undefined
}

async function isKept(file: string, stats: Stats, privateFiles: PrivateFiles): Promise<boolean> {
  if (!stats.isFile() || stats.size > largestFile || privateFiles.has(stats)) return false
  try {
    await access(file, constants.R_OK)
    return !(await privateFiles.isLike(file, stats.size))
  } catch {
    return false
  }
}

function isRecord(path: string): boolean {
  return /(?:^|\/)\.flambeau\//.test(path)
}

// The plumbing command takes no setting of the user that "git apply" could not read.
const diffCommand = [
  'diff-index',
  '--cached',
  '--patch',
  '--binary',
  '--full-index',
  '--no-renames',
  '--no-ext-diff',
  '--no-textconv',
  '--no-color',
  '--src-prefix=a/',
  '--dst-prefix=b/',
]

/** Files are part of a patch as they are, where no `.gitattributes` says otherwise. */
const asTheyAre = ['core.autocrlf=false', 'core.safecrlf=false']

async function writePatch({ git, root, commit }: WorkTree, kept: readonly ChangedPath[]) {
  const objects = await git.run(['rev-parse', '--git-path', 'objects'])
  const scratch = await mkdtemp(join(tmpdir(), 'flambeau-patch-'))
  try {
    await mkdir(join(scratch, 'objects'))
    const env = {
      GIT_INDEX_FILE: join(scratch, 'index'),
      GIT_OBJECT_DIRECTORY: join(scratch, 'objects'),
      GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(resolve(git.folder, withoutLineEnd(objects))),
    }
    const run = (args: readonly string[], input = ''): Promise<Buffer> =>
      git.run(args, { folder: root, env, input, settings: asTheyAre })
    await run(['read-tree', commit])
    // A path that is deleted may be a folder now, or lie behind a link.
    const deleted = kept.filter(({ isDeleted }) => isDeleted)
    const noObject = '0'.repeat(commit.length)
    const removals = deleted.map(({ path }) => `0 ${noObject}\t${path}\0`).join('')
    if (removals !== '') await run(['update-index', '-z', '--index-info'], removals)
    const present = kept.filter(({ isDeleted }) => !isDeleted)
    const additions = present.map(({ path }) => `${path}\0`).join('')
    const add = ['update-index', '--add', '--remove', '--replace', '-z', '--stdin']
    if (additions !== '') await run(add, additions)
    return await run([...diffCommand, commit])
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

// The variable is a list of paths, in which those in quotes may contain any character.
function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, '\\$&')}"`
}
