import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, readlink, realpath, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mapLimited } from '../../util/concurrency.js'
import type { Reply, Request } from '../protocol/messages.js'
import { maxErrorOutput } from '../protocol/messages.js'
import { authorizedLine, clusterKeyComment, isClusterKey } from '../protocol/public-key.js'
import { withFileLock } from './file-lock.js'
import { layout, writeDurably } from './home.js'

const execute = promisify(execFile)

/** Creates the key with which the orchestrator logs in to its workers; it never leaves this host. */
export async function createKey(cluster: string): Promise<void> {
  if ((await readPublicKey(cluster)) !== undefined) return
  const folder = layout.cluster(cluster)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const temporary = await mkdtemp(join(folder, 'key.'))
  try {
    const args = [
      '-q',
      '-t',
      'ed25519',
      '-N',
      '',
      '-C',
      clusterKeyComment(cluster),
      '-f',
      join(temporary, 'key'),
    ]
    await execute('ssh-keygen', args).catch((error) => {
      throw error.code === 'ENOENT'
        ? Object.assign(new Error('no ssh-keygen'), { code: 'HOST_NO_SSH_CLIENT' })
        : error
    })
    await chmod(join(temporary, 'key.pub'), 0o600)
    // The private key first: if the public key exists, both do.
    await rename(join(temporary, 'key'), layout.cluster(cluster, 'key'))
    await rename(join(temporary, 'key.pub'), layout.cluster(cluster, 'publicKey'))
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** Reads the public key of the cluster; `undefined` on a worker. */
export async function readPublicKey(cluster: string): Promise<string | undefined> {
  const line = await readFile(layout.cluster(cluster, 'publicKey'), 'utf8').catch(() => undefined)
  return line?.trim()
}

export async function setKnownHosts({ cluster, knownHosts }: Request<'setKnownHosts'>): Promise<void> {
  await writeDurably(layout.cluster(cluster, 'knownHosts'), knownHosts)
}

export async function readKnownHosts(cluster: string): Promise<string> {
  return readFile(layout.cluster(cluster, 'knownHosts'), 'utf8').catch(() => '')
}

const authorizedKeys = join(homedir(), '.ssh', 'authorized_keys')

/** The lines of `authorized_keys` that belong to a cluster. */
export async function readAuthorizedKeys(cluster: string): Promise<string[]> {
  return (await readLines()).filter((line) => belongsTo(line, cluster))
}

/** Whether `authorized_keys` has a line of any cluster. */
export async function hasAuthorizedKeys(): Promise<boolean> {
  return (await readLines()).some((line) => line.includes(` ${clusterKeyComment('')}`))
}

/** The clusters whose orchestrators may log in. */
export async function authorizedClusters(): Promise<string[]> {
  const mark = ` ${clusterKeyComment('')}`
  return (await readLines()).flatMap((line) => line.split(mark)[1] ?? [])
}

/** Lets the orchestrator log in with this key, which replaces earlier keys of the cluster. */
export async function authorize({ cluster, publicKey }: Request<'authorize'>): Promise<void> {
  if (!isClusterKey(publicKey, cluster)) throw new Error(`not a public key of cluster "${cluster}"`)
  await withFileLock(authorizedKeys, async () => {
    const others = (await readLines()).filter((line) => !belongsTo(line, cluster))
    await writeLines([...others, authorizedLine(publicKey)])
  })
}

/** Removes the lines of a cluster from `authorized_keys`. */
export async function removeAuthorizedKeys(cluster: string): Promise<void> {
  // Without such lines the file is not created.
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
  // A symbolic link to another location stays.
  const path = isLink ? await realpath(authorizedKeys) : authorizedKeys
  await writeDurably(path, Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'))
  // sshd ignores the file if other users can write to its folder.
  await chmod(join(homedir(), '.ssh'), 0o700)
}

function belongsTo(line: string, cluster: string): boolean {
  return line.endsWith(` ${clusterKeyComment(cluster)}`)
}

/** More connections at once would only wait for each other. */
const maxConnections = 16
/** The timeout of a connection, in milliseconds; that of `ssh` is shorter. */
const timeoutMs = 60_000

/** Runs programs that connect to workers, and stores `mark` if all succeed. */
export async function testConnections({
  cluster,
  commands,
  mark,
}: Request<'testConnections'>): Promise<Reply<'testConnections'>> {
  const ends = await mapLimited(commands, maxConnections, testConnection)
  if (mark !== undefined && ends.every(({ exitCode }) => exitCode === 0))
    await writeDurably(layout.cluster(cluster, 'connections'), mark)
  return { ends }
}

/** Reads the mark of the connections that last succeeded. */
export async function readConnectionsMark(cluster: string): Promise<string | undefined> {
  return readFile(layout.cluster(cluster, 'connections'), 'utf8').catch(() => undefined)
}

function testConnection([program = '', ...args]: readonly string[]): Promise<
  Reply<'testConnections'>['ends'][number]
> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: timeoutMs }, (error, _, stderr) => {
      const exitCode = error ? (typeof error.code === 'number' ? error.code : null) : 0
      resolve({ exitCode, stderr: (stderr || (error?.message ?? '')).slice(-maxErrorOutput) })
    })
    child.stdin?.on('error', () => undefined).end()
  })
}
