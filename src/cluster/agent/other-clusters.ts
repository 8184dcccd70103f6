import { readdir, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { OtherCluster, Unwritten } from '../protocol/messages.js'
import { layout } from './home.js'
import { activeRun } from './run-turn.js'
import { authorizedClusters } from './ssh-access.js'

/** The other clusters of this user that use this host. */
export async function otherClusters(cluster: string): Promise<Unwritten<OtherCluster>[]> {
  const folders = await readdir(layout.clusters).catch(() => [])
  const names = new Set([...folders, ...(await authorizedClusters())].filter(isName))
  names.delete(cluster)
  if (names.size === 0) return []
  const working = await workingRuns()
  return Promise.all(
    [...names].sort().map(async (name) => ({ name, run: (await readableRun(name)) ?? working.get(name) })),
  )
}

// What is wrong with another cluster must not prevent that this one is used.
function readableRun(cluster: string): Promise<string | undefined> {
  return activeRun(cluster).catch(() => undefined)
}

function isName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,63}$/.test(name)
}

// Only the orchestrator knows the runs of a cluster. On a worker host, the tasks of a run work in a folder of their own.
async function workingRuns(): Promise<Map<string, string>> {
  const names = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const folders = await Promise.all(names.map((pid) => readlink(join('/proc', pid, 'cwd')).catch(() => '')))
  const root = await realpath(layout.clusters).catch(() => layout.clusters)
  return new Map(folders.flatMap((folder) => workOf(folder, root) ?? []))
}

function workOf(folder: string, root: string): [[cluster: string, run: string]] | undefined {
  if (!folder.startsWith(`${root}/`)) return undefined
  const [cluster = '', work, run] = folder.slice(root.length + 1).split('/')
  return work === 'work' && run !== undefined ? [[cluster, run]] : undefined
}
