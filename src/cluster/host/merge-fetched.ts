import { existsSync } from 'node:fs'
import { lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { ResourceError, throwNotWritten } from '../../errors.js'
import { temporaryBeside } from '../../util/atomic-write.js'
import { hashFile } from '../protocol/tree.js'

/** What is fetched, and how it is written. */
export interface FetchedContent {
  /** Whether it is one file. */
  readonly single: boolean
  readonly name: string
  /** Replace files that differ. */
  readonly force: boolean
  /** Writes it to a path that does not exist. */
  readonly write: (path: string) => Promise<void>
}

/** A file or folder to move. */
interface Move {
  readonly source: string
  readonly destination: string
}

/**
 * Merges a fetched file or folder into a local path. Everything is written beside that path first; then each file is
 * renamed. An existing folder keeps its other files, and an existing file that differs is replaced only with `force`.
 *
 * @throws {@link ResourceError} that names the existing files that differ; nothing was changed then.
 */
export async function mergeFetched(
  local: string,
  { single, name, force, write }: FetchedContent,
): Promise<void> {
  const target = resolve(local)
  const isFolder = await stat(target).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (single && isFolder) throw isFolderError(local, name)
  // On the same disk, in a folder that the user can write to.
  const incoming = temporaryBeside(isFolder ? join(target, '.flambeau') : target)
  try {
    await mkdir(dirname(incoming), { recursive: true }).catch(throwNotWritten(local))
    await write(incoming)
    const whole = (await isSame(incoming, target)) ? [] : [{ source: incoming, destination: target }]
    const moves = isFolder ? await movesInto(target, incoming) : whole
    await checkExisting(moves, force)
    for (const { source, destination } of moves)
      await rename(source, destination).catch(throwNotWritten(shown(destination)))
  } finally {
    // Where its folder could not be created, there is nothing to remove.
    if (existsSync(incoming)) await rm(incoming, { recursive: true, force: true })
  }
}

/** The moves that merge `incoming` into `target`: folders that exist in both are merged in turn. */
async function movesInto(target: string, incoming: string): Promise<Move[]> {
  const moves: Move[] = []
  for (const entry of await readdir(incoming, { withFileTypes: true })) {
    const [source, destination] = [join(incoming, entry.name), join(target, entry.name)]
    if (entry.isDirectory() && (await kindOf(destination)) === 'folder')
      moves.push(...(await movesInto(destination, source)))
    else if (!(await isSame(source, destination))) moves.push({ source, destination })
  }
  return moves
}

async function checkExisting(moves: readonly Move[], force: boolean): Promise<void> {
  const different: string[] = []
  for (const { source, destination } of moves) {
    const [incoming, existing] = [await kindOf(source), await kindOf(destination)]
    if (existing === 'nothing') continue
    const isFile = incoming === 'file' && existing !== 'folder'
    if (isFile && (force || (await hasSameContent(source, destination)))) continue
    if (incoming === 'folder' || existing === 'folder') throw cannotReplace(destination, incoming)
    different.push(destination)
  }
  if (different.length > 0) throw differError(different)
}

// A link is not followed: it may lead anywhere, and the names come from another machine.
async function kindOf(path: string): Promise<'nothing' | 'file' | 'folder' | 'other'> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!found) return 'nothing'
  if (found.isDirectory()) return 'folder'
  return found.isFile() ? 'file' : 'other'
}

async function isSame(one: string, other: string): Promise<boolean> {
  return (await hasSameContent(one, other)) && (await isExecutable(one)) === (await isExecutable(other))
}

async function hasSameContent(one: string, other: string): Promise<boolean> {
  if ((await kindOf(one)) !== 'file' || (await kindOf(other)) !== 'file') return false
  const [{ size }, { size: otherSize }] = await Promise.all([stat(one), stat(other)])
  if (size !== otherSize) return false
  const [first, second] = await Promise.all([hashFile(one, size), hashFile(other, size)])
  return first.size === second.size && first.hash === second.hash
}

async function isExecutable(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o100) !== 0
}

// Other programs copy a file into a folder that is named as the target; here the folder would be replaced.
function isFolderError(local: string, name: string): ResourceError {
  const message = `"${local}" is a folder, but a single file is fetched: name the file, such as "${join(local, name)}"`
  return new ResourceError(message, { code: 'TARGET_IS_FOLDER' })
}

function cannotReplace(path: string, incoming: string): ResourceError {
  const message = `"${shown(path)}" cannot be replaced by a ${incoming}: move it, or name another folder; nothing was changed`
  return new ResourceError(message, { code: 'TARGET_TAKEN' })
}

function differError([first = '', ...others]: readonly string[]): ResourceError {
  const more = others.length === 0 ? '' : `, and ${others.length} more`
  const message = `"${shown(first)}" exists and differs from what is fetched${more}: add "--force" to replace it, or name another target; nothing was changed`
  return new ResourceError(message, { code: 'TARGET_DIFFERS' })
}

function shown(path: string): string {
  const below = relative('', path)
  return below.startsWith('..') ? path : below
}
