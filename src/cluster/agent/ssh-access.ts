import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, readlink, realpath, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mapLimited } from '../../util/concurrency.js'
import { clusterFolder, writeWhole } from '../protocol/layout.js'
import type { Reply, Request } from '../protocol/messages.js'
import { authorizedLine, clusterKeyComment, isClusterKey } from '../protocol/public-key.js'
import { withFileLock } from './file-lock.js'

const execute = promisify(execFile)

/** Makes the key with which the orchestrator reaches its factories; it never leaves this host. */
export async function createKey(folder: string, cluster: string): Promise<void> {
  if ((await readPublicKey(folder)) !== undefined) return
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const made = await mkdtemp(join(folder, 'key.'))
  try {
    const args = ['-q', '-t', 'ed25519', '-N', '', '-C', clusterKeyComment(cluster), '-f', join(made, 'key')]
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

export async function setKnownHosts({ cluster, knownHosts }: Request<'know'>): Promise<void> {
  await writeWhole(join(clusterFolder(cluster), 'known_hosts'), knownHosts)
}

export async function readKnownHosts(folder: string): Promise<string> {
  return readFile(join(folder, 'known_hosts'), 'utf8').catch(() => '')
}

const authorizedKeys = join(homedir(), '.ssh', 'authorized_keys')

/** The lines of `authorized_keys` that are a cluster's. */
export async function readAuthorizedKeys(cluster: string): Promise<string[]> {
  return (await readLines()).filter((line) => belongsTo(line, cluster))
}

/** Whether any cluster is let in. */
export async function hasAuthorizedKeys(): Promise<boolean> {
  return (await readLines()).some((line) => line.includes(` ${clusterKeyComment('')}`))
}

/** Lets the orchestrator in, with this key and no other. */
export async function authorize({ cluster, publicKey }: Request<'authorize'>): Promise<void> {
  if (!isClusterKey(publicKey, cluster)) throw new Error(`no public key of cluster "${cluster}"`)
  await withFileLock(authorizedKeys, async () => {
    const others = (await readLines()).filter((line) => !belongsTo(line, cluster))
    await writeLines([...others, authorizedLine(publicKey)])
  })
}

/** Takes a cluster's lines out of `authorized_keys`. */
export async function removeAuthorizedKeys(cluster: string): Promise<void> {
  // Where it has none nothing is made, either.
  if ((await readAuthorizedKeys(cluster)).length === 0) return
  await withFileLock(authorizedKeys, async () => {
    await writeLines((await readLines()).filter((line) => !belongsTo(line, cluster)))
  })
}

async function readLines(): Promise<string[]> {
  // Byte for byte: a comment may have any encoding.
  const text = await readFile(authorizedKeys, 'latin1').catch((error) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

async function writeLines(lines: readonly string[]): Promise<void> {
  const isLink = await readlink(authorizedKeys).then(
    () => true,
    () => false,
  )
  if (lines.length === 0 && !isLink) return rm(authorizedKeys, { force: true })
  // Where a user keeps it elsewhere, the link stays.
  const path = isLink ? await realpath(authorizedKeys) : authorizedKeys
  await writeWhole(path, Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'))
  // sshd ignores the file in a folder that others may write.
  await chmod(join(homedir(), '.ssh'), 0o700)
}

function belongsTo(line: string, cluster: string): boolean {
  return line.endsWith(` ${clusterKeyComment(cluster)}`)
}

/** More connections at once only wait for each other. */
const maxConnections = 16
/** How long one may take, in milliseconds: `ssh` gives up before. */
const timeoutMs = 60_000
const maxOutput = 4000

/** Runs programs that connect to factories, and keeps the mark of them when all succeed. */
export async function testConnections({
  cluster,
  commands,
  mark,
}: Request<'reach'>): Promise<Reply<'reach'>> {
  const ends = await mapLimited(commands, maxConnections, testConnection)
  if (mark !== undefined && ends.every(({ exitCode }) => exitCode === 0))
    await writeWhole(connectionsMarkPath(clusterFolder(cluster)), mark)
  return { ends }
}

/** The mark of what was reached last. */
export async function readConnectionsMark(folder: string): Promise<{ reached?: string }> {
  const reached = await readFile(connectionsMarkPath(folder), 'utf8').catch(() => undefined)
  return reached === undefined ? {} : { reached }
}

function connectionsMarkPath(folder: string): string {
  return join(folder, 'reached')
}

function testConnection([program = '', ...args]: readonly string[]): Promise<Reply<'reach'>['ends'][number]> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: timeoutMs }, (error, _, stderr) => {
      const exitCode = error ? (typeof error.code === 'number' ? error.code : null) : 0
      resolve({ exitCode, stderr: (stderr || (error?.message ?? '')).slice(-maxOutput) })
    })
    child.stdin?.on('error', () => undefined).end()
  })
}
