import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { authorizedLine } from '../wire/authorized-line.js'
import type { Ask } from '../wire/protocol.js'
import { clusterFolder, writeWhole } from './paths.js'

const execute = promisify(execFile)
const authorizedKeys = join(homedir(), '.ssh', 'authorized_keys')

/** Makes the key with which the orchestrator reaches its factories; it never leaves this host. */
export async function makeKey(folder: string, cluster: string): Promise<void> {
  if ((await readPublicKey(folder)) !== undefined) return
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const made = await mkdtemp(join(folder, 'key.'))
  try {
    const args = ['-q', '-t', 'ed25519', '-N', '', '-C', comment(cluster), '-f', join(made, 'key')]
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

/** The lines of `authorized_keys` that are a cluster's. */
export async function authorizedLines(cluster: string): Promise<string[]> {
  return (await readLines()).filter((line) => isOf(line, cluster))
}

/** Lets the orchestrator in, with this key and no other. */
export async function authorize({ cluster, publicKey }: Ask<'authorize'>): Promise<void> {
  const others = (await readLines()).filter((line) => !isOf(line, cluster))
  await writeLines([...others, authorizedLine(publicKey)])
}

/** Takes a cluster's lines out of `authorized_keys`. */
export async function forget(cluster: string): Promise<void> {
  const lines = await readLines()
  const others = lines.filter((line) => !isOf(line, cluster))
  if (others.length < lines.length) await writeLines(others)
}

export async function know({ cluster, knownHosts }: Ask<'know'>): Promise<void> {
  await writeWhole(join(clusterFolder(cluster), 'known_hosts'), knownHosts)
}

export async function readKnownHosts(folder: string): Promise<string> {
  return readFile(join(folder, 'known_hosts'), 'utf8').catch(() => '')
}

async function readLines(): Promise<string[]> {
  const text = await readFile(authorizedKeys, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return text.split('\n').filter((line) => line !== '')
}

async function writeLines(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return rm(authorizedKeys, { force: true })
  await writeWhole(authorizedKeys, lines.map((line) => `${line}\n`).join(''))
  // sshd ignores the file in a folder that others may write.
  await chmod(join(homedir(), '.ssh'), 0o700)
}

function isOf(line: string, cluster: string): boolean {
  return line.endsWith(` ${comment(cluster)}`)
}

function comment(cluster: string): string {
  return `flambeau:${cluster}`
}
