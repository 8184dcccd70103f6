import { type ChildProcess, spawn } from 'node:child_process'
import { homedir } from 'node:os'
import type { Readable } from 'node:stream'
import { signalGroup, waitForExit } from '../../util/process.js'
import type { Ask, Exit, Piece } from '../wire/protocol.js'
import type { Wire } from '../wire/wire.js'
import { finishOrEnd } from './finish-or-end.js'
import { onHost } from './paths.js'

/** Runs a program with its arguments as they are; no shell has a part in it. */
export async function exec({ argv, cwd, env, input }: Ask<'exec'>, wire: Wire): Promise<Exit> {
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    cwd: onHost(cwd ?? homedir()),
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const finished = Promise.all([
    waitForExit(child),
    pass(child.stdout!, 'stdout', wire),
    pass(child.stderr!, 'stderr', wire),
  ])
  // It is waited for below, after the input.
  finished.catch(() => undefined)
  try {
    await feed(child, input, wire)
    // What the program has left behind with its streams counts as the program.
    await finishOrEnd(child.pid, finished, wire)
    const [exit] = await finished
    return exit
  } catch (error) {
    signalGroup(child.pid, 'SIGKILL')
    throw error
  }
}

async function feed({ stdin }: ChildProcess, input: number, wire: Wire): Promise<void> {
  // A program may end without having read everything: that is its own affair.
  stdin!.on('error', () => undefined)
  // Kept here until it is read: what comes after it, a cancellation, has to be heard.
  for await (const piece of wire.bytes(input)) if (!stdin!.destroyed) stdin!.write(piece)
  stdin!.end()
}

async function pass(output: Readable, stream: Piece['stream'], wire: Wire): Promise<void> {
  for await (const chunk of output as AsyncIterable<Buffer>) await wire.sendPiece(stream, chunk)
}
