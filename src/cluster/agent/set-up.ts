import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { waitForExit } from '../../util/process.js'
import type { Ask, Ended, Exit } from '../wire/protocol.js'
import type { Wire } from '../wire/wire.js'
import { finishOrEnd } from './finish-or-end.js'
import { clusterFolder, writeWhole } from './paths.js'

/** As much of what a command printed as helps: its end. */
const mostOutput = 4000

/** Whether the setup commands with this hash have all run here. */
export async function isSetUp(folder: string, hash: string): Promise<boolean> {
  return (await readFile(join(folder, 'setup'), 'utf8').catch(() => '')) === hash
}

/** Runs setup commands in order; stops at the first that fails or is unwanted, which then runs again the next time. */
export async function setUp({ cluster, commands, hash }: Ask<'setUp'>, wire: Wire): Promise<Ended> {
  for (const command of commands) {
    const ended = await runShell(command, wire)
    if (ended.exitCode !== 0) return { failed: { command, ...ended } }
  }
  if (hash !== undefined) await writeWhole(join(clusterFolder(cluster), 'setup'), hash)
  return {}
}

async function runShell(command: string, wire: Wire): Promise<Exit & { output: string }> {
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn('sh', ['-c', command], { cwd: homedir(), detached: true, stdio: [...stdio] })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk).slice(-mostOutput)
  }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', keep)
  // Not "close": a command may leave a server behind that keeps the streams open.
  const exited = waitForExit(child)
  if (await finishOrEnd(child.pid, exited, wire)) throw new Error(`"${command}" was ended`)
  const status = await exited
  await nextTurn()
  return { ...status, output }
}
