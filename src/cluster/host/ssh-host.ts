import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import type { ClusterError } from '../../errors.js'
import { commandLine, quoteArgument } from '../../util/shell.js'
import { makeTemporaryFolder, removeTemporaryFolder } from '../../util/temporary-folder.js'
import type { SessionEnded } from './agent-errors.js'
import { AgentHost } from './agent-host.js'
import { forwardPort, type Server } from './port-forward.js'
import { destinationOf, identityFiles, knownKeys, type SSHDestination } from './ssh-config.js'
import { explainSshError } from './ssh-errors.js'
import {
  type CompleteSSHOptions,
  completeSSHOptions,
  controlPath,
  destinationArguments,
  keyArguments,
  type SSHHostOptions,
  sshArguments,
} from './ssh-options.js'
import { readSettings, type SSHSettings } from './ssh-settings.js'

/** The path of a socket has at most about 100 bytes, and ssh adds 17 while it creates one. */
const maxFolderLength = 60

/**
 * A machine that the system's OpenSSH client connects to. All operations share one connection.
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
  readonly #options: CompleteSSHOptions
  #folder: Promise<string> | undefined
  #settings: Promise<SSHSettings> | undefined

  constructor(options: SSHHostOptions) {
    super()
    this.name = options.address
    this.node = options.node
    this.#options = completeSSHOptions(options)
    this.greetingMs = (this.#options.connectTimeout * 2 + 10) * 1000
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
    // Opens the connection if there is none.
    await this.ask('exists', { path: '.' }, signal)
    const connection = { host: this.name, path: controlPath((await this.#folder)!) }
    return forwardPort(connection, server, { timeout: this.greetingMs, signal })
  }

  /** @internal Resolves the name of the host with the SSH configuration. */
  async destination(): Promise<SSHDestination> {
    return destinationOf(this.name, await this.#readSettings())
  }

  /** @internal */
  override async knownKeys(): Promise<readonly string[]> {
    const { hostKey } = this.#options
    if (typeof hostKey === 'object') return 'pinned' in hostKey ? [hostKey.pinned] : []
    return knownKeys(await this.destination())
  }

  /** @internal The shell command that connects to the host. */
  override get command(): string {
    const options = this.#options
    return commandLine(['ssh', ...destinationArguments(options), ...keyArguments(options), options.address])
  }

  /** @internal */
  override privateFiles(): Promise<readonly string[]> {
    return identityFiles(this.#options, this.#readSettings())
  }

  protected explainEnd(end: SessionEnded): ClusterError {
    return explainSshError(this.#options, end)
  }

  #readSettings(): Promise<SSHSettings> {
    this.#settings ??= readSettings(this.#options)
    return this.#settings
  }

  async #arguments(): Promise<string[]> {
    this.#folder ??= makeFolder()
    return sshArguments(this.#options, await this.#folder)
  }
}

function makeFolder(): Promise<string> {
  return makeTemporaryFolder(tmpdir().length > maxFolderLength ? '/tmp' : tmpdir())
}
