import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Ask, Ended } from '../wire/protocol.js'
import { clusterFolder, writeWhole } from './paths.js'

/** As much of what a command printed as helps: its end. */
const mostOutput = 4000

/** Whether the setup commands with this hash have all run here. */
export async function isSetUp(folder: string, hash: string): Promise<boolean> {
  return (await readFile(join(folder, 'setup'), 'utf8').catch(() => '')) === hash
}

/** Runs setup commands in order; stops at the first that fails, which then runs again the next time. */
export async function setUp({ cluster, commands, hash }: Ask<'setUp'>): Promise<Ended> {
  for (const command of commands) {
    const ended = await runShell(command)
    if (ended.exitCode !== 0) return { failed: { command, ...ended } }
  }
  if (hash !== undefined) await writeWhole(join(clusterFolder(cluster), 'setup'), hash)
  return {}
}

function runShell(
  command: string,
): Promise<{ exitCode: number | null; signal: string | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { cwd: homedir(), stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output = (output + chunk).slice(-mostOutput)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', reject)
    // Not "close": a command may leave a server behind that keeps the streams open.
    child.once('exit', (exitCode, signal) => setImmediate(() => resolve({ exitCode, signal, output })))
  })
}
