import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClusterError } from '../../errors.js'
import { AgentHost } from './agent-host.js'
import { forwardPort, type Server } from './forward-port.js'
import { identityFiles } from './identity-files.js'
import type { SessionEnded } from './session-end.js'
import { shellWord } from './shell-word.js'
import { explainSsh } from './ssh-failure.js'
import type { HostKeyPolicy, SSHHostOptions } from './ssh-options.js'

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

  /** @internal */
  override privateFiles(): Promise<readonly string[]> {
    return identityFiles(this.#options)
  }

  protected explainEnd(ended: SessionEnded): ClusterError {
    return explainSsh(this.#options, ended)
  }

  async #arguments(): Promise<string[]> {
    const { user, port, key, sshConfig, connectTimeout = 10 } = this.#options
    this.#folder ??= makeFolder()
    const folder = await this.#folder
    const settings = {
      BatchMode: 'yes',
      ConnectTimeout: connectTimeout,
      ServerAliveInterval: Math.max(1, Math.ceil(connectTimeout / 3)),
      ServerAliveCountMax: 3,
      // The first one is the way for the others, for as long as it lives: nothing stays behind.
      ControlMaster: 'auto',
      ControlPath: controlPath(folder),
      ControlPersist: 'no',
      ForwardAgent: 'no',
      ForwardX11: 'no',
      ClearAllForwardings: 'yes',
      RequestTTY: 'no',
      ...(key === undefined ? {} : { IdentitiesOnly: 'yes' }),
      ...(await hostKeySettings(this.#options.hostKey ?? 'accept-new', folder)),
    }
    return [
      ...(sshConfig === undefined ? [] : ['-F', sshConfig]),
      ...(user === undefined ? [] : ['-l', user]),
      ...(port === undefined ? [] : ['-p', String(port)]),
      ...(key === undefined ? [] : ['-i', key]),
      ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ]
  }
}

function controlPath(folder: string): string {
  return join(folder, 's')
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

async function hostKeySettings(policy: HostKeyPolicy, folder: string): Promise<Record<string, string>> {
  if (policy === 'accept-new') return { StrictHostKeyChecking: 'accept-new' }
  if (policy === 'known') return { StrictHostKeyChecking: 'yes' }
  const file = 'file' in policy ? policy.file : join(folder, 'known_hosts')
  if ('pinned' in policy) await writeFile(file, `* ${policy.pinned}\n`, { mode: 0o600 })
  return {
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: file,
    GlobalKnownHostsFile: '/dev/null',
    UpdateHostKeys: 'no',
  }
}
