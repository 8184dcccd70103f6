import { lstat, readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isTemporary } from '../../util/atomic-write.js'
import { runFiles, treeManifest } from '../protocol/layout.js'
import type { Request } from '../protocol/messages.js'
import { layout } from './home.js'
import { cancel } from './run-control.js'
import { runsOf } from './run-store.js'
import { allUnfinished, runActiveError } from './run-turn.js'
import { hasAuthorizedKeys, removeAuthorizedKeys } from './ssh-access.js'
import { removeUnusedTrees, treesUsedBy } from './tree-store.js'
import { removeWorked } from './work-folder.js'

/** Removes everything of a cluster from this host. What clusters share stays until the last of them is removed. */
export async function down({ cluster, force, graceMs }: Request<'down'>): Promise<void> {
  const unfinished = await allUnfinished(cluster)
  const [first] = unfinished
  if (first !== undefined && !force) throw runActiveError(first, 'down')
  // The last one first, so that none starts when the one before it ends.
  for (const id of unfinished.reverse()) await cancel({ cluster, id, graceMs })
  await removeAuthorizedKeys(cluster)
  for (const { id } of await runsOf(cluster)) await removeWorked(layout.run(id))
  const used = await treesUsedBy(cluster)
  await removeWorked(layout.cluster(cluster))
  if (await isLast()) await removeShared()
  else await removeUnusedTrees(used)
}

// A cluster that uses this host only as a worker has nothing but that line.
async function isLast(): Promise<boolean> {
  const others = await readdir(layout.clusters).catch(() => [])
  return others.length === 0 && !(await hasAuthorizedKeys())
}

// A user may have put files into these folders: only what this package wrote is removed.
async function removeShared(): Promise<void> {
  await removeMarked(layout.packages, treeManifest)
  await removeMarked(layout.runs, runFiles.spec)
  await rm(layout.slurmJobs, { force: true })
  for (const folder of [layout.packages, layout.runs, layout.clusters, layout.root])
    await rmdir(folder).catch(() => undefined)
}

/** Removes the subfolders that contain a file of this package, and those of incomplete transfers. */
async function removeMarked(folder: string, mark: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    const isOurs = entry.isDirectory() && (isTemporary(entry.name) || (await isFile(join(path, mark))))
    if (isOurs) await removeWorked(path)
  }
}

function isFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}
