import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { signalGroup, terminateGroup, waitForExit, waitForGroup } from '../../util/process.js'
import type { MessageConnection } from '../protocol/connection.js'
import { clusterFolder, resolveFromHome, writeWhole } from '../protocol/layout.js'
import type { ChunkHeader, Exit, Request, SetupResult } from '../protocol/messages.js'

/** Runs a program with its arguments as they are; no shell has a part in it. */
export async function exec(
  { argv, cwd, env, input }: Request<'exec'>,
  wire: MessageConnection,
): Promise<Exit> {
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    cwd: resolveFromHome(cwd ?? homedir()),
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const finished = Promise.all([
    waitForExit(child),
    forwardOutput(child.stdout!, 'stdout', wire),
    forwardOutput(child.stderr!, 'stderr', wire),
  ])
  // It is waited for below, after the input.
  finished.catch(() => undefined)
  try {
    await writeInput(child, input, wire)
    // What the program has left behind with its streams counts as the program.
    await finishOrTerminate(child.pid, finished, wire)
    const [exit] = await finished
    return exit
  } catch (error) {
    signalGroup(child.pid, 'SIGKILL')
    throw error
  }
}

async function writeInput({ stdin }: ChildProcess, input: number, wire: MessageConnection): Promise<void> {
  // A program may end without having read everything: that is its own affair.
  stdin!.on('error', () => undefined)
  // Kept here until it is read: what comes after it, a cancellation, has to be heard.
  for await (const piece of wire.bytes(input)) if (!stdin!.destroyed) stdin!.write(piece)
  stdin!.end()
}

async function forwardOutput(
  output: Readable,
  stream: ChunkHeader['stream'],
  wire: MessageConnection,
): Promise<void> {
  for await (const chunk of output as AsyncIterable<Buffer>) await wire.sendChunk(stream, chunk)
}

/** As much of what a command printed as helps: its end. */
const mostOutput = 4000

/** Whether the setup commands with this hash have all run here. */
export async function isSetUp(folder: string, hash: string): Promise<boolean> {
  return (await readFile(join(folder, 'setup'), 'utf8').catch(() => '')) === hash
}

/** Runs setup commands in order; stops at the first that fails or is unwanted, which then runs again the next time. */
export async function setUp(
  { cluster, commands, hash }: Request<'setUp'>,
  wire: MessageConnection,
): Promise<SetupResult> {
  for (const command of commands) {
    const ended = await runShell(command, wire)
    if (ended.exitCode !== 0) return { failed: { command, ...ended } }
  }
  if (hash !== undefined) await writeWhole(join(clusterFolder(cluster), 'setup'), hash)
  return {}
}

async function runShell(command: string, wire: MessageConnection): Promise<Exit & { output: string }> {
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn('sh', ['-c', command], { cwd: homedir(), detached: true, stdio: [...stdio] })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk).slice(-mostOutput)
  }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', keep)
  // Not "close": a command may leave a server behind that keeps the streams open.
  const exited = waitForExit(child)
  if (await finishOrTerminate(child.pid, exited, wire)) throw new Error(`"${command}" was ended`)
  const status = await exited
  await nextTurn()
  return { ...status, output }
}

/** How long what is ended may clean up. */
const graceMs = 2000

/**
 * Waits until a process group has finished, and ends it when the other side has lost interest, or is gone; tells
 * whether it was ended. Its leader has finished when this settles.
 */
async function finishOrTerminate(
  leader: number | undefined,
  finished: Promise<unknown>,
  wire: MessageConnection,
): Promise<boolean> {
  const unwanted = await Promise.race([wire.peek().then(() => true), finished.then(() => false)])
  if (unwanted) await terminateGroup(leader, waitForGroup(leader, graceMs), graceMs)
  await finished
  return unwanted
}
