import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Which host keys are accepted: `accept-new` accepts unknown keys, but not changed ones; `known` accepts only keys in
 * `known_hosts`; `pinned` accepts exactly one key, such as `ssh-ed25519 AAAA...`; `file` accepts the keys in a file.
 */
export type HostKeyPolicy = 'accept-new' | 'known' | { readonly pinned: string } | { readonly file: string }

/** How to connect to a machine with SSH. The defaults are those of `ssh` and the user's `~/.ssh/config`. */
export interface SSHHostOptions {
  /** A name, an address, or an alias from `~/.ssh/config`. */
  readonly address: string
  readonly user?: string | undefined
  readonly port?: number | undefined
  /** The path of a private key. */
  readonly key?: string | undefined
  /** `accept-new` by default. */
  readonly hostKey?: HostKeyPolicy | undefined
  /** A configuration file that replaces `~/.ssh/config`. */
  readonly sshConfig?: string | undefined
  /** In seconds; 10 by default. A connection that becomes silent is closed after about the same time. */
  readonly connectTimeout?: number | undefined
  /** The path of Node on the host; by default it is searched for. */
  readonly node?: string | undefined
}

/** {@link SSHHostOptions} with the defaults of this package. */
export interface CompleteSSHOptions extends Required<SSHHostOptions> {
  readonly hostKey: HostKeyPolicy
  readonly connectTimeout: number
}

export function completeSSHOptions(options: SSHHostOptions): CompleteSSHOptions {
  const { address, user, port, key, sshConfig, node, hostKey = 'accept-new', connectTimeout = 10 } = options
  return { address, user, port, key, sshConfig, node, hostKey, connectTimeout }
}

const execute = promisify(execFile)

/** Settings for a connection without a terminal; they override the user's configuration. */
const batchSettings = {
  BatchMode: 'yes',
  RequestTTY: 'no',
  RemoteCommand: 'none',
  PermitLocalCommand: 'no',
  Tunnel: 'no',
  ForwardAgent: 'no',
  ForwardX11: 'no',
  ClearAllForwardings: 'yes',
  // Errors are recognized by what ssh prints.
  LogLevel: 'info',
}

/** Settings since OpenSSH 8.7: older versions reject them, and cannot have them in their configuration. */
const since87 = { StdinNull: 'no', ForkAfterAuthentication: 'no', SessionType: 'default' }

/** The arguments of `ssh` before the host; `folder` belongs to this connection alone. */
export async function sshArguments(options: CompleteSSHOptions, folder: string): Promise<string[]> {
  const settings = {
    // The first process shares its connection while it lives: no background process remains.
    ControlMaster: 'auto',
    ControlPath: pathSetting(controlPath(folder)),
    ControlPersist: 'no',
    ...(await hostKeySettings(options.hostKey, folder)),
  }
  const versioned = (await isSince87()) ? since87 : {}
  return [...connectionArguments(options), ...settingArguments({ ...versioned, ...settings })]
}

/** The arguments of `ssh` for a connection that is not shared, to a host whose keys are in a file. */
export function isolatedArguments(
  options: CompleteSSHOptions & { readonly hostKey: { file: string } },
): string[] {
  const settings = { ControlMaster: 'no', ControlPath: 'none', ...knownHostsSettings(options.hostKey.file) }
  return [...connectionArguments(options), ...settingArguments(settings)]
}

function connectionArguments(options: CompleteSSHOptions): string[] {
  const { key, connectTimeout } = options
  const settings = {
    ...batchSettings,
    ConnectTimeout: connectTimeout,
    ServerAliveInterval: Math.max(1, Math.ceil(connectTimeout / 3)),
    ServerAliveCountMax: 3,
  }
  const identity = key === undefined ? {} : { IdentityFile: pathSetting(key), IdentitiesOnly: 'yes' }
  return [...destinationArguments(options), ...settingArguments({ ...settings, ...identity })]
}

/** The arguments that select the configuration file, the user and the port. */
export function destinationArguments({ sshConfig, user, port }: CompleteSSHOptions): string[] {
  return [...flag('-F', sshConfig), ...flag('-l', user), ...flag('-p', port)]
}

/** The arguments that name the private key, for a command that a user types. */
export function keyArguments({ key }: CompleteSSHOptions): string[] {
  return flag('-i', key)
}

function flag(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [name, String(value)]
}

/** The control socket of a shared connection. */
export function controlPath(folder: string): string {
  return join(folder, 's')
}

/** Quotes a path for a setting: a space would end it, and `%` starts a token. */
export function pathSetting(path: string): string {
  return `"${path.replaceAll('%', '%%').replace(/["\\]/g, '\\$&')}"`
}

function settingArguments(settings: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

async function hostKeySettings(policy: HostKeyPolicy, folder: string): Promise<Record<string, string>> {
  if (policy === 'accept-new') return { StrictHostKeyChecking: 'accept-new' }
  if (policy === 'known') return { StrictHostKeyChecking: 'yes' }
  const file = 'file' in policy ? policy.file : join(folder, 'known_hosts')
  if ('pinned' in policy) await writeFile(file, `* ${policy.pinned}\n`, { mode: 0o600 })
  return knownHostsSettings(file)
}

function knownHostsSettings(file: string): Record<string, string> {
  return {
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: pathSetting(file),
    GlobalKnownHostsFile: '/dev/null',
    UpdateHostKeys: 'no',
  }
}

let since87Promise: Promise<boolean> | undefined

// A missing ssh is reported by the connection.
function isSince87(): Promise<boolean> {
  since87Promise ??= execute('ssh', ['-V']).then(
    ({ stderr }) => {
      const [, major = '9', minor = '0'] = /OpenSSH\D*(\d+)\.(\d+)/.exec(stderr) ?? []
      return Number(major) > 8 || (Number(major) === 8 && Number(minor) >= 7)
    },
    () => {
      since87Promise = undefined
      return true
    },
  )
  return since87Promise
}
