import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ignores } from '../cluster/bundle/ignore.js'
import { parse } from '../document/read/parse.js'
import { ResourceError } from '../errors.js'
import { isApplicationTag } from '../node.js'
import { mapLimited } from '../util/concurrency.js'
import { explainReadError } from '../util/file-error.js'
import { expandGlob } from '../util/glob.js'
import { readRegular } from '../util/read-regular.js'

/** The runnable files that an operand names. */
export interface FoundFiles {
  readonly files: readonly string[]
  /** The number of other YAML files, which are not checked. */
  readonly skipped: number
}

/** Whether an operand may stand for several files. */
export async function namesSeveral(operand: string): Promise<boolean> {
  const kind = await kindOf(operand)
  return kind === 'folder' || (kind === 'nothing' && wildcard.test(operand))
}

/**
 * Finds the runnable files in a folder, or of a pattern such as `configs/*.yaml`. `node_modules`, `.git` and what git
 * ignores are left out. Any other operand is the path of a file.
 *
 * @throws {@link ResourceError} when a folder or a pattern has no runnable file.
 */
export async function findFiles(operand: string): Promise<FoundFiles> {
  if (!(await namesSeveral(operand))) return { files: [operand], skipped: 0 }
  const paths = await yamlFiles((await kindOf(operand)) === 'folder' ? inFolder(operand) : split(operand))
  const isRunnable = await mapLimited(paths, maxOpenFiles, hasTaggedTop)
  const files = paths.filter((_, index) => isRunnable[index])
  const skipped = paths.length - files.length
  if (files.length === 0) throw noFiles(operand, skipped)
  return { files, skipped }
}

/** How many files a command reads at once: a process may have few open. */
export const maxOpenFiles = 16
/** No file that is read to find its tag is larger, in bytes. */
const largest = 1 << 28
const wildcard = /[*?[{]/

async function kindOf(path: string): Promise<'file' | 'folder' | 'nothing'> {
  const found = await stat(path).catch(() => undefined)
  if (!found) return 'nothing'
  return found.isDirectory() ? 'folder' : 'file'
}

/** A folder, and a pattern of paths in it; without one, everything in it. */
interface Search {
  readonly folder: string
  readonly pattern?: string
}

function inFolder(folder: string): Search {
  return { folder }
}

function split(path: string): Search {
  const steps = path.split('/')
  const first = steps.findIndex((step) => wildcard.test(step))
  const folder = steps.slice(0, first).join('/') || (path.startsWith('/') ? '/' : '.')
  return { folder, pattern: steps.slice(first).join('/') }
}

async function yamlFiles({ folder, pattern }: Search): Promise<string[]> {
  const { gitIgnores } = await import('../cluster/bundle/ignore.js')
  const ignores = await gitIgnores(folder)
  const found = new Set<string>()
  const matches =
    pattern === undefined
      ? ['']
      : await expandGlob(folder, pattern).catch((error) => throwUnreadable(error.path)(error))
  for (const path of matches) {
    if (path !== '' && (ignores(path) || ignores(`${path}/`))) continue
    if ((await kindOf(join(folder, path))) !== 'folder') found.add(path)
    else for await (const each of walk({ folder, ignores }, path === '' ? '' : `${path}/`)) found.add(each)
  }
  const paths = [...found].filter((path) => /\.ya?ml$/.test(path)).sort()
  return paths.map((path) => join(folder, path))
}

interface Walk {
  readonly folder: string
  readonly ignores: Ignores
}

const alwaysIgnored = new Set(['node_modules', '.git'])

/** The files below a folder, as paths in it. Links to folders are not followed: they may lead back. */
async function* walk(options: Walk, below: string): AsyncGenerator<string> {
  const here = join(options.folder, below)
  const entries = await readdir(here, { withFileTypes: true }).catch(throwUnreadable(here))
  for (const entry of entries) {
    const path = below + entry.name
    if (!entry.isDirectory()) {
      if (!options.ignores(path)) yield path
    } else if (!alwaysIgnored.has(entry.name) && !options.ignores(`${path}/`))
      yield* walk(options, `${path}/`)
  }
}

function throwUnreadable(folder: string): (cause: unknown) => never {
  return (cause) => {
    throw new ResourceError(`"${folder}" ${explainReadError(cause)}`, { code: 'UNREADABLE', cause })
  }
}

// A file that declares extensions has a second document, whose top node has a tag.
async function hasTaggedTop(path: string): Promise<boolean> {
  const bytes = await readRegular(path, { limit: largest }).catch(() => undefined)
  if (bytes === 'a folder' || bytes === 'not a regular file') return false
  // That it cannot be read is reported by the check.
  if (!Buffer.isBuffer(bytes)) return true
  return parse(bytes.toString(), path).documents.some(({ root }) => isApplicationTag(root.tag))
}

function noFiles(operand: string, skipped: number): ResourceError {
  const count = skipped === 1 ? '1 YAML file was' : `${skipped} YAML files were`
  const others = skipped === 0 ? '' : `; ${count} found, without a tag such as "!Train" at the top`
  const message = `No runnable file matches "${operand}"${others}: check the path and the current folder`
  return new ResourceError(message, { code: 'NO_MATCH' })
}
