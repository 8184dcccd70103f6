import { lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { ResourceError } from '../../errors.js'
import { temporaryBeside } from '../../util/atomic-write.js'
import { hashFile } from '../protocol/tree.js'

/** What is fetched, and how it is written. */
export interface FetchedContent {
  /** Whether it is one file. */
  readonly single: boolean
  readonly name: string
  /** Replace files that differ. */
  readonly force?: boolean | undefined
  /** Writes it to a path that does not exist. */
  readonly write: (path: string) => Promise<void>
}

/** One file or folder on its way to its place. */
interface Move {
  readonly from: string
  readonly to: string
}

/**
 * Puts a file or folder to its place here. It is written as a whole beside that place first; then each file is moved in one
 * step. What is there stays: a folder keeps its other files, and a file that differs is replaced with `force` alone.
 *
 * @throws {@link ResourceError} that names what is in the way; then nothing has changed.
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
  if (single && isFolder) throw isNoFile(local, name)
  // On the same disk, and in a folder that the user may write.
  const incoming = temporaryBeside(isFolder ? join(target, '.flambeau') : target)
  try {
    await mkdir(dirname(incoming), { recursive: true })
    await write(incoming)
    const whole = (await isSame(incoming, target)) ? [] : [{ from: incoming, to: target }]
    const moves = isFolder ? await movesInto(target, incoming) : whole
    await expectFree(moves, force)
    for (const { from, to } of moves) await rename(from, to)
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
}

/** What has to be moved so that a folder has all of another one: a folder that is there already is gone into. */
async function movesInto(target: string, incoming: string): Promise<Move[]> {
  const moves: Move[] = []
  for (const entry of await readdir(incoming, { withFileTypes: true })) {
    const [from, to] = [join(incoming, entry.name), join(target, entry.name)]
    if (entry.isDirectory() && (await kindOf(to)) === 'folder') moves.push(...(await movesInto(to, from)))
    else if (!(await isSame(from, to))) moves.push({ from, to })
  }
  return moves
}

async function expectFree(moves: readonly Move[], force = false): Promise<void> {
  const taken: string[] = []
  for (const { from, to } of moves) {
    const [coming, there] = [await kindOf(from), await kindOf(to)]
    if (there === 'nothing') continue
    const isFile = coming === 'file' && there !== 'folder'
    if (isFile && (force || (await hasSameContent(from, to)))) continue
    if (coming === 'folder' || there === 'folder') throw isOther(to, coming)
    taken.push(to)
  }
  if (taken.length > 0) throw differ(taken)
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

// Many a program takes a folder for the place in which a file is to be: here it would be lost.
function isNoFile(local: string, name: string): ResourceError {
  const message = `"${local}" is a folder, and what is fetched is one file: name the file, such as "${join(local, name)}"`
  return new ResourceError(message, { code: 'TARGET_IS_FOLDER' })
}

function isOther(path: string, coming: string): ResourceError {
  const message = `"${shown(path)}" is in the way of a ${coming} of the same name: move it away, or name another folder; nothing was changed`
  return new ResourceError(message, { code: 'TARGET_TAKEN' })
}

function differ([first = '', ...others]: readonly string[]): ResourceError {
  const more = others.length === 0 ? '' : `, and ${others.length} more`
  const message = `"${shown(first)}" exists and differs from what is fetched${more}: add "--force" to replace it, or name another place; nothing was changed`
  return new ResourceError(message, { code: 'TARGET_DIFFERS' })
}

function shown(path: string): string {
  const below = relative('', path)
  return below.startsWith('..') ? path : below
}
