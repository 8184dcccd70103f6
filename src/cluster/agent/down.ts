import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ask } from '../wire/protocol.js'
import { activeRun, runActive } from './active-run.js'
import { forget, isAnyAuthorized } from './authorized-keys.js'
import { cancel } from './cancel.js'
import { clusterFolder, packages, root, runFolder, runs } from './paths.js'
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

async function removeShared(): Promise<void> {
  await rm(packages, { recursive: true, force: true })
  await rm(runs, { recursive: true, force: true })
  await rm(join(root, 'clusters'), { recursive: true, force: true })
  // Of a user's own machine there may be other things in it.
  await rmdir(root).catch(() => undefined)
}
