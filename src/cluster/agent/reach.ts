import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mapLimited } from '../../util/concurrency.js'
import type { Ask, Reply } from '../wire/protocol.js'
import { clusterFolder, writeWhole } from './paths.js'

/** More connections at once only wait for each other. */
const mostAtOnce = 16
/** How long one may take, in milliseconds: `ssh` gives up before. */
const longestMs = 60_000
const mostOutput = 4000

/** Runs programs that connect to factories, and keeps the mark of them when all succeed. */
export async function reach({ cluster, commands, mark }: Ask<'reach'>): Promise<Reply<'reach'>> {
  const ends = await mapLimited(commands, mostAtOnce, run)
  if (mark !== undefined && ends.every(({ exitCode }) => exitCode === 0))
    await writeWhole(reachedFile(clusterFolder(cluster)), mark)
  return { ends }
}

/** The mark of what was reached last. */
export async function readReached(folder: string): Promise<{ reached?: string }> {
  const reached = await readFile(reachedFile(folder), 'utf8').catch(() => undefined)
  return reached === undefined ? {} : { reached }
}

function reachedFile(folder: string): string {
  return join(folder, 'reached')
}

function run([program = '', ...args]: readonly string[]): Promise<Reply<'reach'>['ends'][number]> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: longestMs }, (error, _, stderr) => {
      const exitCode = error ? (typeof error.code === 'number' ? error.code : null) : 0
      resolve({ exitCode, stderr: (stderr || (error?.message ?? '')).slice(-mostOutput) })
    })
    child.stdin?.on('error', () => undefined).end()
  })
}
