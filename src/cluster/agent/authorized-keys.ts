import { chmod, readFile, readlink, realpath, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { authorizedLine } from '../wire/authorized-line.js'
import type { Ask } from '../wire/protocol.js'
import { isClusterKey, keyComment } from '../wire/public-key.js'
import { inTurn } from './in-turn.js'
import { writeWhole } from './paths.js'

const authorizedKeys = join(homedir(), '.ssh', 'authorized_keys')

/** The lines of `authorized_keys` that are a cluster's. */
export async function authorizedLines(cluster: string): Promise<string[]> {
  return (await readLines()).filter((line) => isOf(line, cluster))
}

/** Whether any cluster is let in. */
export async function isAnyAuthorized(): Promise<boolean> {
  return (await readLines()).some((line) => line.includes(` ${keyComment('')}`))
}

/** Lets the orchestrator in, with this key and no other. */
export async function authorize({ cluster, publicKey }: Ask<'authorize'>): Promise<void> {
  if (!isClusterKey(publicKey, cluster)) throw new Error(`no public key of cluster "${cluster}"`)
  await inTurn(authorizedKeys, async () => {
    const others = (await readLines()).filter((line) => !isOf(line, cluster))
    await writeLines([...others, authorizedLine(publicKey)])
  })
}

/** Takes a cluster's lines out of `authorized_keys`. */
export async function forget(cluster: string): Promise<void> {
  // Where it has none nothing is made, either.
  if ((await authorizedLines(cluster)).length === 0) return
  await inTurn(authorizedKeys, async () => {
    await writeLines((await readLines()).filter((line) => !isOf(line, cluster)))
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

function isOf(line: string, cluster: string): boolean {
  return line.endsWith(` ${keyComment(cluster)}`)
}
