import type { ChildProcess } from 'node:child_process'
import { SessionEnded } from '../host/agent-errors.js'
import type { AgentHost } from '../host/agent-host.js'
import { maxErrorOutput } from '../protocol/messages.js'
import { commandFailed } from './errors.js'
import { describeCommands, hashCommands, type ProvisionRequest } from './steps.js'

/** Runs the setup commands on a host without Node, and so without an agent: they may install it. Returns a step. */
export async function setUpWithoutNode(
  { cluster, setupCmds, signal, onEvent }: ProvisionRequest,
  host: AgentHost,
): Promise<string> {
  for (const command of setupCmds) {
    signal?.throwIfAborted()
    await runCommand(host, command, signal)
  }
  await host.ask('setUp', { cluster, commands: [], hash: hashCommands(setupCmds) }, signal)
  const what = `ran ${describeCommands(setupCmds)}`
  onEvent({ kind: 'did', host: host.name, what })
  return what
}

async function runCommand(host: AgentHost, command: string, signal: AbortSignal | undefined): Promise<void> {
  const { exitCode, output } = await outputOf(await host.start(['sh', '-c', command]), signal)
  // With 255, ssh reports that the connection is lost.
  if (exitCode === null || exitCode === 255)
    throw host.explain(new SessionEnded({ exitCode, stderr: output, greeted: false }))
  if (exitCode !== 0) throw commandFailed(host.name, { command, exitCode, signal: null, output })
}

interface CommandResult {
  readonly exitCode: number | null
  readonly output: string
}

function outputOf(child: ChildProcess, signal: AbortSignal | undefined): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    let output = ''
    const keep = (chunk: unknown): void => {
      output = (output + chunk).slice(-maxErrorOutput)
    }
    const abort = (): void => {
      child.kill('SIGKILL')
      reject(signal!.reason)
    }
    // The signal may have been aborted while the command was started.
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort, { once: true })
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', keep)
    child.stdin!.on('error', () => undefined).end()
    child.once('error', ({ message }) => keep(message))
    child.once('close', (exitCode) => {
      signal?.removeEventListener('abort', abort)
      resolve({ exitCode: child.pid === undefined ? null : exitCode, output })
    })
  })
}
