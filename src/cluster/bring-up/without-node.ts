import type { ChildProcess } from 'node:child_process'
import type { AgentHost } from '../host/agent-host.js'
import { SessionEnded } from '../host/session-end.js'
import { commandFailed } from './findings.js'

/** As much of what a command printed as helps: its end. */
const mostOutput = 4000

/** Runs setup commands where there is no Node, and so no agent: they may be what installs it. */
export async function setUpWithoutNode(
  host: AgentHost,
  commands: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  for (const command of commands) {
    signal?.throwIfAborted()
    const { exitCode, output } = await runShell(await host.start(['sh', '-c', command]), signal)
    // By which ssh says that it has no connection any more.
    if (exitCode === null || exitCode === 255)
      throw host.explain(new SessionEnded({ exitCode, stderr: output, greeted: false }))
    if (exitCode !== 0) throw commandFailed(host.name, { command, exitCode, signal: null, output })
  }
}

interface Ended {
  readonly exitCode: number | null
  readonly output: string
}

function runShell(child: ChildProcess, signal?: AbortSignal): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let output = ''
    const keep = (chunk: unknown): void => {
      output = (output + chunk).slice(-mostOutput)
    }
    const abort = (): void => {
      child.kill('SIGKILL')
      reject(signal!.reason)
    }
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
