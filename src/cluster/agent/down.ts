import { lstat, readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isTemporary } from '../../util/atomic-write.js'
import type { Ask } from '../wire/protocol.js'
import { activeRun, runActive } from './active-run.js'
import { forget, isAnyAuthorized } from './authorized-keys.js'
import { cancel } from './cancel.js'
import { clusterFolder, packages, root, runFolder, runs } from './paths.js'
import { receiptName } from './receipt.js'
import { removeUnused, usedBy } from './retain.js'
import { runsOf } from './run-files.js'

/** Removes what a cluster has put on this host; what other clusters share stays until the last of them goes. */
export async function down({ cluster, force, graceMs }: Ask<'down'>): Promise<void> {
  const active = await activeRun(cluster)
  if (active && !force) throw runActive(active)
  if (active) await cancel({ cluster, id: active, graceMs })
  await forget(cluster)
  for (const { id } of await runsOf(cluster)) await rm(runFolder(id), { recursive: true, force: true })
  const used = await usedBy(cluster)
  await rm(clusterFolder(cluster), { recursive: true, force: true })
  if (await isLast()) await removeShared()
  else await removeUnused(used)
}

// Of a cluster for which this host is a plain factory, there is nothing but that line.
async function isLast(): Promise<boolean> {
  const others = await readdir(join(root, 'clusters')).catch(() => [])
  return others.length === 0 && !(await isAnyAuthorized())
}

// In these folders, too, a user may have put something: only what has the mark of this package goes.
async function removeShared(): Promise<void> {
  await removeEach(packages, receiptName)
  await removeEach(runs, 'spec.json')
  for (const folder of [packages, runs, join(root, 'clusters'), root])
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
