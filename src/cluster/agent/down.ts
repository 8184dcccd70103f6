import { lstat, readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isTemporary } from '../../util/atomic-write.js'
import { clusterFolder, packagesFolder, rootFolder, runFolder, runsFolder } from '../protocol/layout.js'
import type { Request } from '../protocol/messages.js'
import { cancel } from './run-control.js'
import { activeRun, runActiveError, runsOf } from './run-store.js'
import { hasAuthorizedKeys, removeAuthorizedKeys } from './ssh-access.js'
import { manifestName, removeUnusedTrees, treesUsedBy } from './tree-store.js'

/** Removes what a cluster has put on this host; what other clusters share stays until the last of them goes. */
export async function down({ cluster, force, graceMs }: Request<'down'>): Promise<void> {
  const active = await activeRun(cluster)
  if (active && !force) throw runActiveError(active)
  if (active) await cancel({ cluster, id: active, graceMs })
  await removeAuthorizedKeys(cluster)
  for (const { id } of await runsOf(cluster)) await rm(runFolder(id), { recursive: true, force: true })
  const used = await treesUsedBy(cluster)
  await rm(clusterFolder(cluster), { recursive: true, force: true })
  if (await isLast()) await removeShared()
  else await removeUnusedTrees(used)
}

// Of a cluster for which this host is a plain factory, there is nothing but that line.
async function isLast(): Promise<boolean> {
  const others = await readdir(join(rootFolder, 'clusters')).catch(() => [])
  return others.length === 0 && !(await hasAuthorizedKeys())
}

// In these folders, too, a user may have put something: only what has the mark of this package goes.
async function removeShared(): Promise<void> {
  await removeEach(packagesFolder, manifestName)
  await removeEach(runsFolder, 'spec.json')
  for (const folder of [packagesFolder, runsFolder, join(rootFolder, 'clusters'), rootFolder])
    await rmdir(folder).catch(() => undefined)
}

/** Removes those folders in a folder that have a file which this package writes, and what arrived only in part. */
async function removeEach(folder: string, mark: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    const isOurs = entry.isDirectory() && (isTemporary(entry.name) || (await isFile(join(path, mark))))
    if (isOurs) await rm(path, { recursive: true, force: true })
  }
}

function isFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}
