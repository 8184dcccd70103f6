import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdir, readdir, readFile, statfs } from 'node:fs/promises'
import { cpus, homedir, totalmem, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findProgram } from '../../util/find-program.js'
import { clusterFolder, packagesFolder, rootFolder } from '../protocol/layout.js'
import type { HostState, Request, Resources } from '../protocol/messages.js'
import { isSetUp } from './exec.js'
import { removeStaleSecrets, removeStaleTransfers } from './run-store.js'
import {
  createKey,
  readAuthorizedKeys,
  readConnectionsMark,
  readKnownHosts,
  readPublicKey,
} from './ssh-access.js'
import { isComplete } from './tree-store.js'

const execute = promisify(execFile)

/** Looks at a host, and what there is of a cluster; makes nothing but the key, and that only when it is told to. */
export async function inspect({
  cluster,
  trees,
  setup,
  makeKey: make,
}: Request<'inspect'>): Promise<HostState> {
  const unwritable = await findWriteError(make)
  const folder = clusterFolder(cluster)
  if (unwritable === undefined) await Promise.all([removeStaleSecrets(cluster), removeStaleTransfers()])
  if (make && unwritable === undefined) await createKey(folder, cluster)
  const [present, publicKey] = await Promise.all([
    Promise.all(trees.map((hash) => isComplete(join(packagesFolder, hash)))),
    readPublicKey(folder),
  ])
  return {
    home: homedir(),
    user: userInfo().username,
    ...(unwritable === undefined ? {} : { unwritable }),
    freeBytes: await freeBytes(),
    missing: trees.filter((_, index) => !present[index]),
    setUp: setup === undefined || (await isSetUp(folder, setup)),
    ...(publicKey === undefined ? {} : { publicKey }),
    authorized: await readAuthorizedKeys(cluster),
    hostKeys: await hostKeys(),
    knownHosts: await readKnownHosts(folder),
    ...(await readConnectionsMark(folder)),
  }
}

async function findWriteError(make: boolean): Promise<string | undefined> {
  try {
    if (make) await mkdir(rootFolder, { recursive: true, mode: 0o700 })
    await access(rootFolder, constants.W_OK).catch((error) => {
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

/** What this machine has to compute with. */
export async function resources(): Promise<Resources> {
  return { cpus: cpus().length, memory: totalmem(), gpus: await gpus() }
}

async function gpus(): Promise<string[]> {
  if (findProgram('nvidia-smi') === undefined) return []
  const listed = await execute('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader']).catch(
    () => undefined,
  )
  return listed?.stdout.split('\n').filter((name) => name.trim() !== '') ?? []
}

// Anyone may read them. A host that keeps them elsewhere the orchestrator does not know, and does not connect to.
async function hostKeys(): Promise<string[]> {
  const names = await readdir('/etc/ssh').catch(() => [])
  const files = names.filter((name) => /^ssh_host_\w+_key\.pub$/.test(name))
  const lines = await Promise.all(
    files.map((name) => readFile(join('/etc/ssh', name), 'utf8').catch(() => '')),
  )
  return lines.flatMap((line) => /^\S+ \S+/.exec(line)?.[0] ?? []).sort()
}
