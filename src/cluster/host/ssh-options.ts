import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Which keys of a host are believed: `accept-new` a new one, but never a changed one; `known` those only that
 * `known_hosts` has; or the very key, as `ssh-ed25519 AAAA...`.
 */
export type HostKeyPolicy = 'accept-new' | 'known' | { readonly pinned: string } | { readonly file: string }

/** How to reach a machine with SSH; what is absent is as `ssh` and the user's `~/.ssh/config` have it. */
export interface SSHHostOptions {
  /** A name, an address, or an alias from `~/.ssh/config`. */
  readonly address: string
  readonly user?: string | undefined
  readonly port?: number | undefined
  /** The path of a private key. */
  readonly key?: string | undefined
  /** `accept-new` when absent. */
  readonly hostKey?: HostKeyPolicy | undefined
  /** Read in place of `~/.ssh/config`. */
  readonly sshConfig?: string | undefined
  /** In seconds; 10 when absent. A host that falls silent is given up after about as long. */
  readonly connectTimeout?: number | undefined
  /** The path of Node there, where it is not found by itself. */
  readonly node?: string | undefined
}

const execute = promisify(execFile)

/** What a connection is for programs: whatever the user's configuration says for terminals does not hold here. */
const batchSettings = {
  BatchMode: 'yes',
  RequestTTY: 'no',
  RemoteCommand: 'none',
  PermitLocalCommand: 'no',
  Tunnel: 'no',
  ForwardAgent: 'no',
  ForwardX11: 'no',
  ClearAllForwardings: 'yes',
  // Errors are read from what it says.
  LogLevel: 'info',
}

/** Settings that came with OpenSSH 8.7: earlier ones refuse them, and have none of them in their configuration. */
const since87 = { StdinNull: 'no', ForkAfterAuthentication: 'no', SessionType: 'default' }

/** The arguments of `ssh` before the host; `folder` holds what belongs to this connection alone. */
export async function sshArguments(options: SSHHostOptions, folder: string): Promise<string[]> {
  const { hostKey = 'accept-new' } = options
  return [
    ...connectionArguments(options),
    ...settingArguments({
      ...((await isSince87()) ? since87 : {}),
      // The first one is the way for the others, for as long as it lives: nothing stays behind.
      ControlMaster: 'auto',
      ControlPath: pathSetting(controlPath(folder)),
      ControlPersist: 'no',
      ...(await hostKeySettings(hostKey, folder)),
    }),
  ]
}

/** The arguments of any `ssh` for one connection that is shared with nothing, to a host whose key is in a file. */
export function isolatedArguments(
  options: SSHHostOptions & { readonly hostKey: { file: string } },
): string[] {
  const settings = { ControlMaster: 'no', ControlPath: 'none', ...knownHostsSettings(options.hostKey.file) }
  return [...connectionArguments(options), ...settingArguments(settings)]
}

function connectionArguments(options: SSHHostOptions): string[] {
  const { key, connectTimeout = 10 } = options
  return [
    ...destinationArguments(options),
    ...settingArguments({
      ...batchSettings,
      ConnectTimeout: connectTimeout,
      ServerAliveInterval: Math.max(1, Math.ceil(connectTimeout / 3)),
      ServerAliveCountMax: 3,
      ...(key === undefined ? {} : { IdentityFile: pathSetting(key), IdentitiesOnly: 'yes' }),
    }),
  ]
}

/** The arguments that say which host is meant, as whom and where. */
export function destinationArguments({ sshConfig, user, port }: SSHHostOptions): string[] {
  return [
    ...(sshConfig === undefined ? [] : ['-F', sshConfig]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
  ]
}

/** The socket of a connection that others go through. */
export function controlPath(folder: string): string {
  return join(folder, 's')
}

/** A path as the value of a setting: spaces would end it, and `%` has a meaning. */
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

// Where there is no ssh, that is found out when it is needed.
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
