import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { packageRoot } from '../util/paths.js'
import { isMapping } from '../util/plain-object.js'
import { repeatCommand } from '../util/repeat-command.js'
import { commandLine } from '../util/shell.js'
import { ExtensionFailure } from './extension-failure.js'
import { alterationOf, type Contents, listContents, manifestName, sizeOfFolder } from './integrity.js'
import type { Resolved } from './source.js'

/** The description of an installed extension, which is stored with it. */
interface StoredExtension {
  readonly source: string
  readonly resolved: Resolved
  readonly bytes: number
}

/** The folder of all installed extensions: `~/.flambeau/extensions`. */
function storeRoot(): string {
  return join(homedir(), '.flambeau', 'extensions')
}

/** Calls `body` with a new folder in the store, and removes the folder afterwards. */
export async function inWorkFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(storeRoot(), workName())
  await expectPrivate()
  await writingStore(async () => {
    for (const part of [dirname(storeRoot()), storeRoot(), folder]) await makePrivate(part)
  })
  try {
    return await body(folder)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

// The process id lets a prune see whether the folder is still in use.
function workName(): string {
  return `work-${process.pid}-${randomUUID()}`
}

// A umask may remove permissions of the owner, too: then nobody could enter the folder.
async function makePrivate(folder: string): Promise<void> {
  if (existsSync(folder)) return
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
}

async function writingStore<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const predicate = `cannot be fetched, because "${storeRoot()}" cannot be written (${code ?? message}): make it writable, or set HOME to a folder that is`
    throw new ExtensionFailure('STORE_NOT_WRITABLE', predicate, { cause })
  }
}

/**
 * Checks that only this user can write to the store, and to `folders` in it: others could put code there.
 *
 * @throws {@link ExtensionFailure} with the command that mends the permissions.
 */
async function expectPrivate(...folders: readonly string[]): Promise<void> {
  if (!process.getuid) return
  for (const folder of [dirname(storeRoot()), storeRoot(), ...folders]) {
    const found = await stat(folder).catch(() => undefined)
    if (!found) return
    if (found.uid !== process.getuid() && found.uid !== 0)
      throw unsafe(folder, 'belongs to another user', `chown $(id -u) ${commandLine([folder])}`)
    if ((found.mode & 0o022) !== 0)
      throw unsafe(folder, 'can be written by other users', commandLine(['chmod', 'go-w', folder]))
  }
}

function unsafe(folder: string, reason: string, remedy: string): ExtensionFailure {
  return new ExtensionFailure(
    'UNSAFE_STORE',
    `is not loaded from the installed extensions, because "${folder}" ${reason}: run "${remedy}", and if you do not trust what is installed, "${repeatCommand(['extensions', 'prune', '--all'])}"`,
  )
}

/**
 * The folder that an extension is or would be installed in. It depends on whether install scripts ran, which may
 * change its content, and on the copy of flambeau that is linked into it.
 */
export function installFolder(resolved: Resolved, scripts: boolean): string {
  const { commit, folder, integrity } = resolved
  return join(storeRoot(), `at-${hashOf([commit, folder, integrity, scripts, packageRoot()])}`)
}

/** What the folder of an installed extension contains: nothing, the extension, or something that differs from it. */
type Installed =
  | { readonly state: 'absent' | 'intact' }
  | { readonly state: 'altered'; readonly alteration: string }

/** Compares an installed extension with what was installed; byte by byte when `everyByte` is set. */
export async function inspectInstalled(folder: string, everyByte: boolean): Promise<Installed> {
  if (!existsSync(folder)) return { state: 'absent' }
  await expectPrivate(folder)
  const alteration = await alterationIn(folder, everyByte)
  if (alteration !== undefined) return { state: 'altered', alteration }
  await markUsed(join(folder, manifestName))
  return { state: 'intact' }
}

async function alterationIn(folder: string, everyByte: boolean): Promise<string | undefined> {
  const contents = await contentsOf(folder)
  if (!contents) return `"${manifestName}" is missing or broken`
  try {
    return await alterationOf(folder, contents, everyByte)
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return `"${path}" cannot be read (${code})`
  }
}

async function contentsOf(folder: string): Promise<Contents | undefined> {
  const manifest = await jsonOf(join(folder, manifestName))
  const { contents } = manifest as { contents?: unknown }
  return isMapping(contents) ? (contents as Contents) : undefined
}

// A prune removes what was not marked for a while. Returns whether the file exists.
async function markUsed(file: string): Promise<boolean> {
  if (!existsSync(file)) return false
  const now = new Date()
  await utimes(file, now, now).catch(() => {})
  return true
}

/**
 * Moves a finished folder to `target` in one step, so that it exists as a whole or not at all. If another process was
 * faster, its folder stays, which is the same; a damaged one is replaced.
 */
export async function moveIntoStore(
  folder: string,
  target: string,
  manifest: StoredExtension,
): Promise<void> {
  const contents = await listContents(folder)
  await writeFile(join(folder, manifestName), JSON.stringify({ ...manifest, contents }), { mode: 0o600 })
  if (await moved(folder, target)) return
  if ((await inspectInstalled(target, false)).state === 'intact') return
  const aside = join(storeRoot(), workName())
  await rename(target, aside).catch(() => {})
  await moved(folder, target)
  await rm(aside, { recursive: true, force: true, maxRetries: 3 })
}

async function moved(folder: string, target: string): Promise<boolean> {
  try {
    await rename(folder, target)
    return true
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(code)) return false
    throw error
  }
}

/** Reads what a source resolved to when it was last installed. */
export async function readResolution(source: string): Promise<Resolved | undefined> {
  const file = resolutionFile(source)
  if (!(await markUsed(file))) return undefined
  await expectPrivate()
  const found = (await jsonOf(file)) as Resolved
  return typeof (found.commit ?? found.integrity) === 'string' ? found : undefined
}

/** Stores what a source resolved to. */
export async function writeResolution(source: string, resolved: Resolved): Promise<void> {
  const draft = join(storeRoot(), workName())
  await writeFile(draft, JSON.stringify(resolved), { mode: 0o600 })
  await rename(draft, resolutionFile(source))
}

// A full disk or a kill may leave a broken file, which counts as none.
async function jsonOf(file: string): Promise<object> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    return isMapping(value) ? value : {}
  } catch {
    return {}
  }
}

function resolutionFile(source: string): string {
  return join(storeRoot(), `source-${hashOf([source])}.json`)
}

function hashOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

/** What a prune removed. */
export interface Pruned {
  readonly removed: number
  readonly bytes: number
}

/** The names of everything that the store creates. */
const ownName = /^(?:at-[0-9a-f]{32}|source-[0-9a-f]{32}\.json|work-\d+-[0-9a-f-]{36})$/
const dayMs = 24 * 60 * 60 * 1000

/**
 * Removes installed extensions that were not used for some days, and the leftovers of interrupted installs.
 *
 * ```ts
 * const { removed, bytes } = await prune({ days: 30 })
 * ```
 */
export async function prune({ days = 30 }: { days?: number } = {}): Promise<Pruned> {
  const before = Date.now() - days * dayMs
  const sizes: number[] = []
  for (const name of await stored()) {
    if (name.startsWith('work-') && !isInUse(name)) await remove(name)
    if (name.startsWith('source-') && (await lastUsed(name)) <= before) await remove(name)
    if (name.startsWith('at-') && (await lastUsed(join(name, manifestName))) <= before)
      await remove(name, async (folder) => sizes.push(await sizeOfFolder(folder)))
  }
  return { removed: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

// Other files in the folder are not ours to remove.
async function stored(): Promise<string[]> {
  const names = await readdir(storeRoot()).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return []
  })
  return names.filter((name) => ownName.test(name))
}

async function lastUsed(path: string): Promise<number> {
  return stat(join(storeRoot(), path)).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}

// It is moved away in one step, so that no other process finds half of it.
async function remove(
  name: string,
  beforeRemoval: (folder: string) => Promise<unknown> = async () => {},
): Promise<void> {
  const aside = join(storeRoot(), workName())
  if (!(await moveAside(join(storeRoot(), name), aside))) return
  await beforeRemoval(aside)
  await rm(aside, { recursive: true, force: true })
}

// Another prune may have been faster: then that one counts it.
async function moveAside(path: string, aside: string): Promise<boolean> {
  try {
    await rename(path, aside)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function isInUse(name: string): boolean {
  try {
    return process.kill(Number(name.split('-')[1]), 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
