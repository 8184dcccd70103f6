import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, posix, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import ignore, { type Ignore } from 'ignore'
import { treeManifest } from '../protocol/layout.js'

/** Patterns that are always ignored. */
const alwaysIgnored = ['.git', '.DS_Store', '*.incoming', treeManifest]

/** The file that lists what is not sent, in the format of `.gitignore`. */
export const ignoreFile = '.flambeauignore'

/** Reads which paths of a folder are not sent: those in its `.flambeauignore`, and those that match `patterns`. */
export async function readIgnores(
  folder: string,
  patterns: readonly string[] = [],
): Promise<(path: string) => boolean> {
  const own = await readFile(join(folder, ignoreFile), 'utf8').catch(() => '')
  const rules = ignore()
    .add([...alwaysIgnored])
    .add([...patterns])
    .add(own)
  return (path) => rules.ignores(path)
}

/** Whether a path within a folder is ignored; the path of a folder ends with `/`. */
export type Ignores = (path: string) => boolean

/**
 * The paths of a folder that git ignores. If possible, git is asked, which knows all files of patterns
 * (`core.excludesFile`, `info/exclude`, nested ones) and which ignored files are tracked nevertheless. Otherwise, as
 * in an unpacked archive or a container without git, the `.gitignore` files are read.
 */
export async function gitIgnores(folder: string): Promise<Ignores> {
  const listed = await listIgnoredByGit(folder)
  return listed ? (path) => pathPrefixes(path).some((step) => listed.has(step)) : fromIgnoreFiles(folder)
}

/** `a/`, `a/b/` and `a/b/c` of `a/b/c`. */
function pathPrefixes(path: string): string[] {
  const parts = path.match(/[^/]+\/?/g) ?? []
  return parts.map((_, index) => parts.slice(0, index + 1).join(''))
}

// Git must not run a program that the repository configures (fsmonitor), nor see the variables of a hook.
async function listIgnoredByGit(cwd: string): Promise<Set<string> | undefined> {
  const args = ['-c', 'core.fsmonitor=false', 'ls-files', '-z', '--others', '--ignored']
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')))
  const listing = promisify(execFile)('git', [...args, '--exclude-standard', '--directory'], {
    cwd,
    env,
    maxBuffer: 2 ** 28,
  })
  const paths = await listing.then(
    ({ stdout }) => stdout.split('\0'),
    () => ['./'],
  )
  // The folder itself is ignored, such as an example in "tmp", but the user named it: only its own patterns count.
  return paths.includes('./') ? undefined : new Set(paths)
}

function fromIgnoreFiles(folder: string): Ignores {
  const top = workTreeOf(folder) ?? folder
  const prefix = top === folder ? '' : `${relative(top, folder).split(sep).join('/')}/`
  const ignored = ignoredBelow(top)
  if (prefix !== '' && pathPrefixes(prefix).some(ignored)) return ignoresOfPrefixes('', ignoredBelow(folder))
  return ignoresOfPrefixes(prefix, ignored)
}

function ignoresOfPrefixes(prefix: string, ignored: Ignores): Ignores {
  return (path) => pathPrefixes(path).some((step) => ignored(prefix + step))
}

function workTreeOf(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder
  const parent = dirname(folder)
  return parent === folder ? undefined : workTreeOf(parent)
}

// The patterns of the deepest folder take precedence, as in git.
function ignoredBelow(top: string): Ignores {
  const known = new Map<string, Ignore>()
  const rulesOf = (folder: string): Ignore => {
    const rules = known.get(folder) ?? readRules(top, folder)
    known.set(folder, rules)
    return rules
  }
  return (path) => {
    const folders = ['', ...pathPrefixes(path).slice(0, -1)]
    const results = folders.map((folder) => rulesOf(folder).test(path.slice(folder.length)))
    return results.findLast(({ ignored, unignored }) => ignored || unignored)?.ignored ?? false
  }
}

function readRules(top: string, folder: string): Ignore {
  const shared = folder === '' ? [join(homedir(), '.config/git/ignore'), join(top, '.git/info/exclude')] : []
  return ignore({ ignorecase: false }).add(
    [...shared, join(top, folder, '.gitignore')].map(textOf).join('\n'),
  )
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** The files that Node can run. */
const code = /\.(?:[cm]?js|node|wasm)$/

/**
 * The paths that are sent although git ignores them, since the package cannot run without them: a folder of build
 * output as a whole, a folder that `main`, `exports` or `files` name, and code beside an imported module.
 */
export function requiredPaths(folder: string, entries: readonly string[], ignores: Ignores): Ignores {
  const needed = new Set<string>()
  const codeFolders = new Set<string>()
  for (const entry of entries) {
    const isThereAsFolder = isFolder(join(folder, entry))
    const path = isThereAsFolder ? `${entry}/` : entry
    const compiled = foldersOf(path).find(ignores)
    needed.add(compiled ?? path)
    if (!compiled && !isThereAsFolder)
      codeFolders.add(posix.dirname(entry) === '.' ? '' : `${posix.dirname(entry)}/`)
  }
  const isBeside: Ignores = (path) =>
    code.test(path) && [...codeFolders].some((folder) => path.startsWith(folder))
  return (path) =>
    [...needed].some((each) => path === each || (each.endsWith('/') && path.startsWith(each))) ||
    (isBeside(path) && !foldersOf(path).some(ignores))
}

function foldersOf(path: string): string[] {
  return pathPrefixes(path).filter((step) => step.endsWith('/'))
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
