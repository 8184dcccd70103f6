import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Ask } from '../wire/protocol.js'
import { keyComment } from '../wire/public-key.js'
import { clusterFolder, writeWhole } from './paths.js'

const execute = promisify(execFile)

/** Makes the key with which the orchestrator reaches its factories; it never leaves this host. */
export async function makeKey(folder: string, cluster: string): Promise<void> {
  if ((await readPublicKey(folder)) !== undefined) return
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const made = await mkdtemp(join(folder, 'key.'))
  try {
    const args = ['-q', '-t', 'ed25519', '-N', '', '-C', keyComment(cluster), '-f', join(made, 'key')]
    await execute('ssh-keygen', args).catch((error) => {
      throw error.code === 'ENOENT'
        ? Object.assign(new Error('no ssh-keygen'), { code: 'HOST_NO_SSH_CLIENT' })
        : error
    })
    await chmod(join(made, 'key.pub'), 0o600)
    // The private half first: whoever sees the public one can rely on both.
    await rename(join(made, 'key'), join(folder, 'key'))
    await rename(join(made, 'key.pub'), join(folder, 'key.pub'))
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}

/** The public half of the cluster's key, as one line; nothing on a factory. */
export async function readPublicKey(folder: string): Promise<string | undefined> {
  const line = await readFile(join(folder, 'key.pub'), 'utf8').catch(() => undefined)
  return line?.trim()
}

export async function know({ cluster, knownHosts }: Ask<'know'>): Promise<void> {
  await writeWhole(join(clusterFolder(cluster), 'known_hosts'), knownHosts)
}

export async function readKnownHosts(folder: string): Promise<string> {
  return readFile(join(folder, 'known_hosts'), 'utf8').catch(() => '')
}
