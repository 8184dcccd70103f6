import { execFile } from 'node:child_process'
import { lstat, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { mapLimited } from '../util/concurrency.js'
import type { PrivateFiles } from '../util/private-files.js'
import { isInRepositoryFolder } from '../util/private-names.js'
import type { RecordedGit } from './record.js'

/** The state of a repository, and how its files differ from the commit. */
export interface GitState {
  readonly git: RecordedGit
  /** For `git apply` on a checkout of the commit; absent when nothing changed. */
  readonly patch?: Buffer
}

/** A git that hangs must not delay the end of a run, in milliseconds. */
const mostMs = 10_000
/** Larger files are not part of a patch, in bytes. */
const largestFile = 1 << 20
/** A larger patch is not kept, in bytes. */
const largestPatch = 1 << 25
/** No output of git is larger, in bytes. */
const largestOutput = 1 << 27
/** How many files are looked at at once. */
const maxConcurrency = 16

/**
 * The state of the repository that a folder is in; `undefined` outside of one, and without git. The repository is only read: the
 * patch is made with an index and objects of its own. Changed files that must not be copied stay out of it.
 */
export async function gitState(folder: string, privateFiles: PrivateFiles): Promise<GitState | undefined> {
  const repository = new Repository(folder, AbortSignal.timeout(mostMs))
  const state = await repository.state().catch(() => undefined)
  if (!state) return undefined
  const { commit, branch, changed } = state
  const git = { commit, ...(branch !== undefined && { branch }), dirty: changed.length > 0 }
  if (changed.length === 0) return { git }
  const left = await repository.leftOut(changed, privateFiles)
  const kept = changed.filter((path) => !left.has(path))
  const patch = await repository.patch(commit, kept).catch(() => undefined)
  const all = patch ? [...left] : changed
  return { git: all.length === 0 ? git : { ...git, left: all }, ...(patch && patch.length > 0 && { patch }) }
}

interface ChangedFiles {
  readonly commit: string
  readonly branch: string | undefined
  /** Paths in the repository. */
  readonly changed: readonly string[]
}

// Nothing that a repository configures may run, and no lock is taken.
const settings = [
  'core.fsmonitor=false',
  'core.hooksPath=/dev/null',
  'core.quotePath=false',
  'core.autocrlf=false',
]
const environment = {
  LC_ALL: 'C',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_TERMINAL_PROMPT: '0',
}

class Repository {
  #root = ''
  #objects = ''

  constructor(
    readonly folder: string,
    readonly signal: AbortSignal,
  ) {}

  async state(): Promise<ChangedFiles | undefined> {
    const [places, status] = await Promise.all([
      this.#git(['rev-parse', '--show-toplevel', '--git-path', 'objects']),
      this.#git(['status', '--porcelain=v2', '--branch', '-z', '--untracked-files=all', '--no-renames']),
    ])
    const [root = '', objects = ''] = places.toString().split('\n')
    this.#root = root
    this.#objects = resolve(this.folder, objects)
    return parseStatus(status.toString())
  }

  /** The changed files that a patch must not contain. */
  async leftOut(paths: readonly string[], privateFiles: PrivateFiles): Promise<Set<string>> {
    const left = await mapLimited(paths, maxConcurrency, async (path) =>
      (await this.#isPrivate(path, privateFiles)) ? [path] : [],
    )
    return new Set(left.flat())
  }

  async #isPrivate(path: string, privateFiles: PrivateFiles): Promise<boolean> {
    if (privateFiles.isNamed(path) || isInRepositoryFolder(path) || isRecord(path)) return true
    const file = join(this.#root, path)
    const stats = await lstat(file).catch(() => undefined)
    if (!stats?.isFile()) return false
    if (stats.size > largestFile || privateFiles.has(stats)) return true
    return privateFiles.isLike(file, stats.size).catch(() => true)
  }

  async patch(commit: string, paths: readonly string[]): Promise<Buffer | undefined> {
    // Git takes an empty list for the whole tree, with its private and ignored files.
    if (paths.length === 0) return Buffer.alloc(0)
    const scratch = await mkdtemp(join(tmpdir(), 'flambeau-patch-'))
    try {
      await mkdir(join(scratch, 'objects'))
      const env = {
        GIT_INDEX_FILE: join(scratch, 'index'),
        GIT_OBJECT_DIRECTORY: join(scratch, 'objects'),
        GIT_ALTERNATE_OBJECT_DIRECTORIES: this.#objects,
      }
      const at = { folder: this.#root, env }
      await this.#git(['read-tree', commit], at)
      const named = paths.map((path) => `${path}\0`).join('')
      await this.#git(['add', '--all', '--force', '--pathspec-from-file=-', '--pathspec-file-nul'], {
        ...at,
        input: named,
      })
      const patch = await this.#git([...diffCommand, commit], at)
      return patch.length > largestPatch ? undefined : patch
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  }

  #git(
    args: readonly string[],
    { folder = this.folder, env = {}, input = '' }: GitCall = {},
  ): Promise<Buffer> {
    return new Promise((succeed, fail) => {
      const words = [...settings.flatMap((setting) => ['-c', setting]), ...args]
      const child = execFile(
        'git',
        words,
        {
          cwd: folder,
          env: { ...process.env, ...environment, ...env },
          encoding: 'buffer',
          maxBuffer: largestOutput,
          signal: this.signal,
          windowsHide: true,
        },
        (error, output) => (error ? fail(error) : succeed(output)),
      )
      // It may end before it reads.
      child.stdin?.on('error', () => {})
      child.stdin?.end(input)
    })
  }
}

interface GitCall {
  readonly folder?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
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

function parseStatus(text: string): ChangedFiles | undefined {
  const lines = text.split('\0').filter((line) => line !== '')
  const header = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`# ${name} `))?.slice(name.length + 3)
  const commit = header('branch.oid')
  // A repository without a commit has nothing that a patch could apply to.
  if (commit === undefined || !/^[0-9a-f]+$/.test(commit)) return undefined
  const branch = header('branch.head')
  return {
    commit,
    branch: branch === '(detached)' ? undefined : branch,
    changed: lines.flatMap((line) => changedPath(line) ?? []),
  }
}

/** The number of fields before the path, by the kind of line. */
const fieldsBefore: Readonly<Record<string, number>> = { '1': 8, u: 10, '?': 1 }

function changedPath(line: string): string | undefined {
  const count = fieldsBefore[line[0]!]
  return count === undefined ? undefined : line.split(' ').slice(count).join(' ')
}

function isRecord(path: string): boolean {
  return /(?:^|\/)\.flambeau\//.test(path)
}
