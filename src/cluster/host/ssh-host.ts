import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClusterError } from '../../errors.js'
import { AgentHost } from './agent-host.js'
import { forwardPort, type Server } from './forward-port.js'
import type { SessionEnded } from './session-end.js'
import { commandLine, shellWord } from './shell-word.js'
import { controlPath, sshArguments, whereArguments } from './ssh-arguments.js'
import { knownKeys, resolveDestination, type SSHDestination } from './ssh-destination.js'
import { explainSsh } from './ssh-failure.js'
import type { SSHHostOptions } from './ssh-options.js'

/** The longest path that a socket may have is about 100 bytes, and ssh adds 17 while it makes one. */
const longestFolder = 60

/**
 * A machine that the system's OpenSSH client reaches, over one connection however much is done.
 *
 * ```ts
 * const host = new SSHHost({ address: 'gpu-1', hostKey: 'known' })
 * const { stdout } = await host.exec(['uname', '-a'])
 * await host.close()
 * ```
 */
export class SSHHost extends AgentHost {
  readonly name: string
  override readonly node: string | undefined
  override readonly greetingMs: number
  readonly #options: SSHHostOptions
  #folder: Promise<string> | undefined
  #destination: Promise<SSHDestination> | undefined

  constructor(options: SSHHostOptions) {
    super()
    this.name = options.address
    this.node = options.node
    this.greetingMs = ((options.connectTimeout ?? 10) * 2 + 10) * 1000
    this.#options = options
  }

  async start(argv: readonly string[]): Promise<ChildProcess> {
    const args = await this.#arguments()
    return spawn('ssh', [...args, '--', this.#options.address, argv.map(shellWord).join(' ')], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  }

  override async close(): Promise<void> {
    await super.close()
    const folder = await this.#folder
    this.#folder = undefined
    if (folder === undefined) return
    folders.delete(folder)
    await rm(folder, { recursive: true, force: true })
  }

  /** @internal */
  override async forward(server: Server, signal?: AbortSignal): Promise<number> {
    // Makes the connection, where there is none.
    await this.ask('exists', { path: '.' }, signal)
    const connection = { host: this.name, path: controlPath((await this.#folder)!) }
    return forwardPort(connection, server, { timeout: this.greetingMs, ...(signal && { signal }) })
  }

  /** @internal What its name stands for. */
  destination(): Promise<SSHDestination> {
    this.#destination ??= resolveDestination(this.#options)
    return this.#destination
  }

  /** @internal */
  override async knownKeys(): Promise<readonly string[]> {
    const { hostKey } = this.#options
    if (typeof hostKey === 'object') return 'pinned' in hostKey ? [hostKey.pinned] : []
    return knownKeys(await this.destination())
  }

  /** @internal The command by which a user reaches it. */
  override get command(): string {
    const { key, address } = this.#options
    const withKey = key === undefined ? [] : ['-i', key]
    return commandLine(['ssh', ...whereArguments(this.#options), ...withKey, address])
  }

  protected explainEnd(ended: SessionEnded): ClusterError {
    return explainSsh(this.#options, ended)
  }

  async #arguments(): Promise<string[]> {
    this.#folder ??= makeFolder()
    return sshArguments(this.#options, await this.#folder)
  }
}

async function makeFolder(): Promise<string> {
  const parent = tmpdir().length > longestFolder ? '/tmp' : tmpdir()
  const folder = await mkdtemp(join(parent, 'flambeau-'))
  await chmod(folder, 0o700)
  if (folders.size === 0) process.off('exit', removeFolders).on('exit', removeFolders)
  folders.add(folder)
  return folder
}

/** The folders of hosts that are not closed. */
const folders = new Set<string>()

// A program may end without closing anything.
function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
