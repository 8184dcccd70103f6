import { constants } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isTemporary, temporaryBeside } from '../../util/atomic-write.js'
import { mapLimited } from '../../util/concurrency.js'
import { codeOf } from '../../util/thrown.js'
import { projectFolder, sentFiles, treeManifest } from '../protocol/layout.js'
import type { Request, WorkFiles } from '../protocol/messages.js'
import type { TreeManifest } from '../protocol/tree.js'
import { layout, writeDurably } from './home.js'
import { isFinished, runsOf } from './run-store.js'

/** How many files are copied at once. */
const maxConcurrency = 8

/**
 * Copies the files of a run from the store into `holder`, and returns the current folder of the run within it. A run may
 * change its copy: the store, and with it every other run, keeps the original. Where the file system can share blocks
 * (Btrfs, XFS), a copy takes no space.
 */
export async function copyRunFiles(holder: string, { tree, folder }: WorkFiles): Promise<string> {
  const source = layout.package(tree)
  const project = join(holder, projectFolder)
  const { manifest }: { manifest: TreeManifest } = JSON.parse(
    await readFile(join(source, treeManifest), 'utf8'),
  )
  const folders = manifest.files.map(({ path }) => dirname(path))
  for (const each of new Set([folder, ...folders]))
    await mkdir(join(project, each), { recursive: true, mode: 0o700 })
  const stamps = await mapLimited(manifest.files, maxConcurrency, async ({ path }) => {
    await copyFile(join(source, path), join(project, path), constants.COPYFILE_FICLONE)
    return [path, await stampOf(join(project, path))]
  })
  await writeDurably(join(holder, sentFiles), JSON.stringify(Object.fromEntries(stamps)))
  return join(project, folder)
}

// The kernel sets the time of the last change of a file: no program can set it back.
async function stampOf(path: string): Promise<string | undefined> {
  const found = await lstat(path, { bigint: true }).catch(() => undefined)
  return found && `${found.ino}:${found.size}:${found.ctimeNs}`
}

/** Makes the folder in which the tasks of a run work on this worker host, with the files of the run; once for each run. */
export async function makeWorkFolder({ cluster, run, work }: Request<'makeWorkFolder'>) {
  const folder = join(layout.cluster(cluster, 'work'), run)
  const isMade = await lstat(folder).catch(() => undefined)
  if (!isMade) await makeWhole(folder, work)
  const project = join(folder, projectFolder)
  return { project, folder: join(project, work?.folder ?? '') }
}

async function makeWhole(folder: string, work: WorkFiles | undefined): Promise<void> {
  const incoming = temporaryBeside(folder)
  try {
    await mkdir(join(incoming, projectFolder), { recursive: true, mode: 0o700 })
    if (work) await copyRunFiles(incoming, work)
    await rename(incoming, folder).catch((error) => {
      // Another pool of the run has made it in the meantime.
      if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error
    })
  } finally {
    await rm(incoming, { recursive: true, force: true })
  }
}

/**
 * Removes the files that earlier runs of a cluster were sent and left unchanged; what the runs wrote stays. The `current` runs keep
 * theirs: the new one first, and those that are active or queued.
 */
export async function removeSentFiles(
  cluster: string,
  current: readonly [string, ...string[]],
): Promise<void> {
  for (const { id, state } of await runsOf(cluster))
    if (isFinished(state) && !current.includes(id)) await removeUnchanged(layout.run(id))
  const folder = layout.cluster(cluster, 'work')
  for (const name of await readdir(folder).catch(() => [])) {
    // A worker host knows no states, but the order of runs: their ids sort by time.
    if (current.some((id) => name.startsWith(id)) || name > current[0]) continue
    if (isTemporary(name)) await rm(join(folder, name), { recursive: true, force: true })
    else await removeUnchanged(join(folder, name))
  }
}

/** Removes a folder in which a run worked, and in which it may have made folders read-only. */
export async function removeWorked(folder: string): Promise<void> {
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  await remove().catch(async (error) => {
    if (!isForbidden(error)) throw error
    await makeWritable(folder)
    await remove()
  })
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name))
}

function isForbidden(error: unknown): boolean {
  return codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM'
}

async function removeUnchanged(holder: string): Promise<void> {
  const text = await readFile(join(holder, sentFiles), 'utf8').catch(() => undefined)
  if (text === undefined) return
  for (const [path, stamp] of Object.entries(JSON.parse(text))) {
    const copy = join(holder, projectFolder, path)
    if ((await stampOf(copy)) !== stamp) continue
    // In a folder that the run made read-only it stays, as what the run changed.
    await rm(copy, { force: true }).catch((error) => {
      if (!isForbidden(error)) throw error
    })
  }
  await rm(join(holder, sentFiles), { force: true })
}
