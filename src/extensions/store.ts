import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { packageRoot } from '../util/paths.js'
import { ExtensionFailure } from './extension-failure.js'
import { alterationOf, type Contents, listContents, manifestName, sizeOfFolder } from './integrity.js'
import type { Resolved } from './source.js'

/** What lies beside an installed extension and tells of it. */
interface StoredExtension {
  readonly source: string
  readonly resolved: Resolved
  readonly bytes: number
}

/** The folder of everything that was installed: `~/.flambeau/extensions`. */
function storeRoot(): string {
  return join(homedir(), '.flambeau', 'extensions')
}

/** A new folder beside the installed ones, whose name tells the process that works in it; it goes when `body` ends. */
export async function inWorkFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(storeRoot(), workName())
  await expectPrivate()
  await inStore(async () => {
    for (const part of [dirname(storeRoot()), storeRoot(), folder]) await makePrivate(part)
  })
  try {
    return await body(folder)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

function workName(): string {
  return `work-${process.pid}-${randomUUID()}`
}

// Whatever the umask is: one that takes from the owner, too, would leave a folder that nobody can enter.
async function makePrivate(folder: string): Promise<void> {
  if (existsSync(folder)) return
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
}

async function inStore<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = `needs a folder to be fetched into, and "${storeRoot()}" cannot be written (${code ?? message}): make it writable, or set HOME to a folder that is`
    throw new ExtensionFailure('STORE_NOT_WRITABLE', why, { cause })
  }
}

/**
 * @throws {@link Trouble} when others may write where extensions are installed: then what lies there is no better than
 * what they may put there.
 */
async function expectPrivate(place?: string): Promise<void> {
  if (!process.getuid) return
  for (const folder of [dirname(storeRoot()), storeRoot(), ...(place === undefined ? [] : [place])]) {
    const found = await stat(folder).catch(() => undefined)
    if (!found) return
    if (found.uid !== process.getuid() && found.uid !== 0)
      throw unsafe(folder, 'belongs to another user', `chown $(id -u) "${folder}"`)
    if ((found.mode & 0o022) !== 0)
      throw unsafe(folder, 'can be written by other users', `chmod go-w "${folder}"`)
  }
}

function unsafe(folder: string, why: string, remedy: string): ExtensionFailure {
  return new ExtensionFailure(
    'UNSAFE_STORE',
    `is not looked for in the installed ones, since "${folder}" ${why}: type '${remedy}', and if you do not trust what is there, 'flambeau extensions prune --all'`,
  )
}

/**
 * The folder that an extension is installed in, or would be. Install scripts may change what is in it, and each copy
 * of flambeau is linked into its own.
 */
export function installFolder(resolved: Resolved, scripts: boolean): string {
  const { commit, folder, integrity } = resolved
  return join(storeRoot(), `at-${hashOf([commit, folder, integrity, scripts, packageRoot()])}`)
}

/** What lies in the place of an extension: nothing, the extension, or what is left of it and what is wrong with that. */
interface Installed {
  readonly state: 'absent' | 'intact' | 'altered'
  readonly alteration?: string
}

/** Looks whether an extension is installed, and is as it was installed; of each byte, when `everyByte` is set. */
export async function inspectInstalled(place: string, everyByte = false): Promise<Installed> {
  if (!existsSync(place)) return { state: 'absent' }
  await expectPrivate(place)
  const alteration = await alterationIn(place, everyByte)
  if (alteration !== undefined) return { state: 'altered', alteration }
  await markUsed(join(place, manifestName))
  return { state: 'intact' }
}

async function alterationIn(place: string, everyByte: boolean): Promise<string | undefined> {
  const contents = await contentsOf(place)
  if (!contents) return `"${manifestName}" is missing or broken`
  try {
    return await alterationOf(place, contents, everyByte)
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return `"${path}" cannot be read (${code})`
  }
}

async function contentsOf(place: string): Promise<Contents | undefined> {
  const manifest = await jsonOf(join(place, manifestName))
  const { contents } = manifest as { contents?: unknown }
  return isObject(contents) ? (contents as Contents) : undefined
}

// What is used is not pruned. A file that is not there was never used.
async function markUsed(file: string): Promise<boolean> {
  if (!existsSync(file)) return false
  const now = new Date()
  await utimes(file, now, now).catch(() => {})
  return true
}

/**
 * Moves a finished folder to its place, in one step: it is there as a whole or not at all. Where another process was
 * faster, its work stays, which is the same; what is left of an earlier one goes.
 */
export async function moveIntoStore(folder: string, place: string, manifest: StoredExtension): Promise<void> {
  const contents = await listContents(folder)
  await writeFile(join(folder, manifestName), JSON.stringify({ ...manifest, contents }), { mode: 0o600 })
  if (await moved(folder, place)) return
  if ((await inspectInstalled(place)).state === 'intact') return
  const aside = join(storeRoot(), workName())
  await rename(place, aside).catch(() => {})
  await moved(folder, place)
  await rm(aside, { recursive: true, force: true, maxRetries: 3 })
}

async function moved(folder: string, place: string): Promise<boolean> {
  try {
    await rename(folder, place)
    return true
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(code)) return false
    throw error
  }
}

/** What a source resolved to when it was installed last. */
export async function readResolution(source: string): Promise<Resolved | undefined> {
  const note = resolutionFile(source)
  if (!(await markUsed(note))) return undefined
  await expectPrivate()
  const found = (await jsonOf(note)) as Resolved
  return typeof (found.commit ?? found.integrity) === 'string' ? found : undefined
}

/** Remembers what a source resolved to. */
export async function writeResolution(source: string, resolved: Resolved): Promise<void> {
  const draft = join(storeRoot(), workName())
  await writeFile(draft, JSON.stringify(resolved), { mode: 0o600 })
  await rename(draft, resolutionFile(source))
}

// What a full disk or a kill left is as good as nothing.
async function jsonOf(file: string): Promise<object> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function resolutionFile(source: string): string {
  return join(storeRoot(), `source-${hashOf([source])}.json`)
}

function hashOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}

/** What a prune has removed. */
export interface Pruned {
  readonly removed: number
  readonly bytes: number
}

/** As the store names what it makes. */
const ownName = /^(?:at-[0-9a-f]{32}|source-[0-9a-f]{32}\.json|work-\d+-[0-9a-f-]{36})$/
const day = 24 * 60 * 60 * 1000

/**
 * Removes installed extensions that nobody has used for some days, and what broken installs have left.
 *
 * ```ts
 * const { removed, bytes } = await prune({ days: 30 })
 * ```
 */
export async function prune({ days = 30 }: { days?: number } = {}): Promise<Pruned> {
  const before = Date.now() - days * day
  const sizes: number[] = []
  for (const name of await stored()) {
    if (name.startsWith('work-') && !isAtWork(name)) await remove(name)
    if (name.startsWith('source-') && (await lastUsed(name)) <= before) await remove(name)
    if (name.startsWith('at-') && (await lastUsed(join(name, manifestName))) <= before)
      await remove(name, async (folder) => sizes.push(await sizeOfFolder(folder)))
  }
  return { removed: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
}

// What somebody else put there stays.
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

// Out of its place in one step: nobody finds half of it there.
async function remove(name: string, look?: (aside: string) => Promise<unknown>): Promise<void> {
  const aside = join(storeRoot(), `work-${process.pid}-${randomUUID()}`)
  if (!(await moveAside(join(storeRoot(), name), aside))) return
  await look?.(aside)
  await rm(aside, { recursive: true, force: true })
}

// Another prune may have been faster: then it counts there.
async function moveAside(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function isAtWork(name: string): boolean {
  try {
    return process.kill(Number(name.split('-')[1]), 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
