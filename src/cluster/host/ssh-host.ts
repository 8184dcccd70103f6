import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import type { ClusterError } from '../../errors.js'
import { commandLine, quoteArgument } from '../../util/shell.js'
import type { SessionEnded } from './agent-errors.js'
import { AgentHost } from './agent-host.js'
import { forwardPort, type Server } from './port-forward.js'
import { identityFiles, knownKeys, resolveDestination, type SSHDestination } from './ssh-config.js'
import { explainSshError } from './ssh-errors.js'
import { controlPath, destinationArguments, type SSHHostOptions, sshArguments } from './ssh-options.js'
import { makeTemporaryFolder, removeTemporaryFolder } from './temporary-folder.js'

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
    return spawn('ssh', [...args, '--', this.#options.address, argv.map(quoteArgument).join(' ')], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  }

  override async close(): Promise<void> {
    await super.close()
    const folder = await this.#folder
    this.#folder = undefined
    if (folder !== undefined) await removeTemporaryFolder(folder)
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
    return commandLine(['ssh', ...destinationArguments(this.#options), ...withKey, address])
  }

  /** @internal */
  override privateFiles(): Promise<readonly string[]> {
    return identityFiles(this.#options)
  }

  protected explainEnd(ended: SessionEnded): ClusterError {
    return explainSshError(this.#options, ended)
  }

  async #arguments(): Promise<string[]> {
    this.#folder ??= makeFolder()
    return sshArguments(this.#options, await this.#folder)
  }
}

function makeFolder(): Promise<string> {
  return makeTemporaryFolder(tmpdir().length > longestFolder ? '/tmp' : tmpdir())
}
