import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import type { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { signalGroup, terminateGroup, waitForExit, waitForGroup } from '../../util/process.js'
import type { MessageConnection } from '../protocol/connection.js'
import type { ChunkHeader, Exit, Request, SetupResult } from '../protocol/messages.js'
import { maxErrorOutput } from '../protocol/messages.js'
import { layout, resolveFromHome, writeDurably } from './home.js'

/** Runs a program with its arguments, without a shell. */
export async function exec(
  { argv, cwd, env, input }: Request<'exec'>,
  connection: MessageConnection,
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
    forwardOutput(child.stdout!, 'stdout', connection),
    forwardOutput(child.stderr!, 'stderr', connection),
  ])
  // It is awaited below, after the input.
  finished.catch(() => undefined)
  try {
    await writeInput(child, input, connection)
    // A background process that keeps the streams open counts as part of the program.
    await finishOrTerminate(child.pid, finished, connection)
    const [exit] = await finished
    return exit
  } catch (error) {
    signalGroup(child.pid, 'SIGKILL')
    throw error
  }
}

async function writeInput(
  { stdin }: ChildProcess,
  input: number,
  connection: MessageConnection,
): Promise<void> {
  // A program may exit without reading all its input.
  stdin!.on('error', () => undefined)
  // The input is buffered, since a cancellation that follows it must be noticed.
  for await (const piece of connection.bytes(input)) if (!stdin!.destroyed) stdin!.write(piece)
  stdin!.end()
}

async function forwardOutput(
  output: Readable,
  stream: ChunkHeader['stream'],
  connection: MessageConnection,
): Promise<void> {
  for await (const chunk of output as AsyncIterable<Buffer>) await connection.sendChunk(stream, chunk)
}

/** Whether the setup commands with this hash have all run here. */
export async function isSetUp(cluster: string, hash: string): Promise<boolean> {
  return (await readFile(layout.cluster(cluster, 'setup'), 'utf8').catch(() => '')) === hash
}

/** Runs setup commands in order, until one fails or the client cancels. */
export async function setUp(
  { cluster, commands, hash }: Request<'setUp'>,
  connection: MessageConnection,
): Promise<SetupResult> {
  for (const command of commands) {
    const result = await runShell(command, connection)
    if (result.exitCode !== 0) return { failed: { command, ...result } }
  }
  if (hash !== undefined) await writeDurably(layout.cluster(cluster, 'setup'), hash)
  return {}
}

async function runShell(command: string, connection: MessageConnection): Promise<Exit & { output: string }> {
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = spawn('sh', ['-c', command], { cwd: homedir(), detached: true, stdio: [...stdio] })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk).slice(-maxErrorOutput)
  }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', keep)
  // Not "close": a command may leave a server behind that keeps the streams open.
  const exited = waitForExit(child)
  if (await finishOrTerminate(child.pid, exited, connection)) throw new Error(`"${command}" was cancelled`)
  const status = await exited
  await nextTurn()
  return { ...status, output }
}

/** How long a process may take to clean up. */
const graceMs = 2000

/**
 * Waits until a process has finished. Terminates its process group if the client cancels or disconnects; returns
 * whether it did. The process has exited when this settles.
 */
async function finishOrTerminate(
  leader: number | undefined,
  finished: Promise<unknown>,
  connection: MessageConnection,
): Promise<boolean> {
  const isCancelled = await Promise.race([connection.peek().then(() => true), finished.then(() => false)])
  if (isCancelled) await terminateGroup(leader, waitForGroup(leader, graceMs), graceMs)
  await finished
  return isCancelled
}
