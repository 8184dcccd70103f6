import { constants } from 'node:fs'
import { access, mkdir, readdir, readFile, statfs } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import { listGpus } from '../../util/gpus.js'
import { availableCpus, hostMemory } from '../../util/this-machine.js'
import type { HostState, Request, Resources, Unwritten } from '../protocol/messages.js'
import { isSetUp } from './exec.js'
import { layout } from './home.js'
import { otherClusters } from './other-clusters.js'
import { lookForNext } from './run-start.js'
import { removeStaleSecrets, removeStaleTransfers } from './run-store.js'
import {
  createKey,
  readAuthorizedKeys,
  readConnectionsMark,
  readKnownHosts,
  readPublicKey,
} from './ssh-access.js'
import { isComplete } from './tree-store.js'

/** Returns the state of this host and of a cluster on it. Creates nothing but the key, and that only with `makeKey`. */
export async function inspect({
  cluster,
  trees,
  setup,
  makeKey: make,
}: Request<'inspect'>): Promise<Unwritten<HostState>> {
  const unwritable = await findWriteError(make)
  if (unwritable === undefined)
    await Promise.all([lookForNext(cluster), removeStaleSecrets(cluster), removeStaleTransfers()])
  if (make && unwritable === undefined) await createKey(cluster)
  const [present, publicKey] = await Promise.all([
    Promise.all(trees.map((hash) => isComplete(layout.package(hash)))),
    readPublicKey(cluster),
  ])
  return {
    home: homedir(),
    user: userInfo().username,
    unwritable,
    freeBytes: await freeBytes(),
    missing: trees.filter((_, index) => !present[index]),
    setUp: setup === undefined || (await isSetUp(cluster, setup)),
    publicKey,
    authorized: await readAuthorizedKeys(cluster),
    hostKeys: await hostKeys(),
    knownHosts: await readKnownHosts(cluster),
    reached: await readConnectionsMark(cluster),
    others: await otherClusters(cluster),
  }
}

async function findWriteError(make: boolean): Promise<string | undefined> {
  try {
    if (make) await mkdir(layout.root, { recursive: true, mode: 0o700 })
    await access(layout.root, constants.W_OK).catch((error) => {
      if (error.code !== 'ENOENT') throw error
      return access(homedir(), constants.W_OK)
    })
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

async function freeBytes(): Promise<number> {
  const { bavail, bsize } = await statfs(homedir())
  return bavail * bsize
}

/** The CPUs, memory and GPUs of this host. */
export async function resources({ variables }: Request<'resources'>): Promise<Resources> {
  const gpus = await listGpus(process.env, variables)
  return { cpus: availableCpus(), memory: hostMemory(), gpus: gpus.map(({ id: _, ...gpu }) => gpu) }
}

// Every user can read them. If a host keeps them elsewhere, the orchestrator cannot verify it.
async function hostKeys(): Promise<string[]> {
  const names = await readdir('/etc/ssh').catch(() => [])
  const files = names.filter((name) => /^ssh_host_\w+_key\.pub$/.test(name))
  const lines = await Promise.all(
    files.map((name) => readFile(join('/etc/ssh', name), 'utf8').catch(() => '')),
  )
  return lines.flatMap((line) => /^\S+ \S+/.exec(line)?.[0] ?? []).sort()
}
