import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { promisify } from 'node:util'
import { absolutePath } from '../../util/paths.js'
import { SessionEnded } from './agent-errors.js'
import { explainSshError } from './ssh-errors.js'
import {
  type CompleteSSHOptions,
  completeSSHOptions,
  destinationArguments,
  keyArguments,
} from './ssh-options.js'

const execute = promisify(execFile)

/** The settings of ssh for a host, by name in lower case; a setting may have several values. */
export type SSHSettings = ReadonlyMap<string, readonly string[]>

/**
 * Reads the settings of a host with `ssh -G`, which opens no connection.
 *
 * @throws `ClusterError` when ssh cannot use its configuration.
 */
export async function readSettings(options: CompleteSSHOptions): Promise<SSHSettings> {
  const args = ['-G', ...destinationArguments(options), ...keyArguments(options), '--', options.address]
  const { stdout } = await execute('ssh', args).catch(({ code, stderr, message }) => {
    const exitCode = typeof code === 'number' ? code : null
    throw explainSshError(options, new SessionEnded({ exitCode, stderr: stderr || message, greeted: false }))
  })
  const settings = new Map<string, string[]>()
  for (const line of stdout.split('\n')) {
    const [name = '', ...words] = line.split(' ')
    settings.set(name, [...(settings.get(name) ?? []), words.join(' ')])
  }
  return settings
}

/** What an alias stands for. */
export interface SSHDestination {
  readonly hostname: string
  readonly user: string
  readonly port: number
  /** The name of its key in `known_hosts`. */
  readonly keyName: string
  readonly knownHostsFiles: readonly string[]
}

/** The destination of a host, as its settings have it. */
export function destinationOf(address: string, settings: SSHSettings): SSHDestination {
  const hostname = settingOf(settings, 'hostname') ?? address
  const port = Number(settingOf(settings, 'port') ?? 22)
  const files = ['userknownhostsfile', 'globalknownhostsfile'].flatMap((name) => settings.get(name) ?? [])
  return {
    hostname,
    user: settingOf(settings, 'user') ?? '',
    port,
    keyName: settingOf(settings, 'hostkeyalias') ?? knownHostsName(hostname, port),
    knownHostsFiles: files.flatMap(filesOf),
  }
}

/** The keys of a host in `known_hosts`, such as `ssh-ed25519 AAAA...`. */
export async function knownKeys({ keyName, knownHostsFiles }: SSHDestination): Promise<string[]> {
  const found = await Promise.all(knownHostsFiles.map((file) => keysIn(file, keyName)))
  return found.flat()
}

/** The name of a host in `known_hosts`. */
export function knownHostsName(address: string, port: number | undefined): string {
  return port === undefined || port === 22 ? address : `[${address}]:${port}`
}

function settingOf(settings: SSHSettings, name: string): string | undefined {
  return settings.get(name)?.[0]
}

// Paths are separated by spaces, but a path may contain a space as well.
function filesOf(value: string): string[] {
  const paths = [value, ...value.split(' ')].map((path) => absolutePath(path))
  return [...new Set(paths.filter((path) => path !== '/dev/null' && existsSync(path)))]
}

// Names may be hashed; ssh-keygen can search for them.
async function keysIn(file: string, name: string): Promise<string[]> {
  const found = await execute('ssh-keygen', ['-F', name, '-f', file]).catch(() => ({ stdout: '' }))
  return found.stdout.split('\n').flatMap((line) => {
    const [, key] = /^[^#@\s]\S* (\S+ [\w+/=]+)/.exec(line) ?? []
    return key ?? []
  })
}

/** The private key files that ssh may use for a host and its jump hosts; some may not exist. */
export async function identityFiles(
  options: CompleteSSHOptions,
  settings: Promise<SSHSettings>,
  seen: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  // If ssh cannot use its configuration, the connection reports it.
  const known = await settings.catch((): SSHSettings => new Map())
  const keys = (known.get('identityfile') ?? []).map((file) => expandTokens(file, known))
  const addresses = new Set([...seen, options.address])
  const jumps = (known.get('proxyjump') ?? []).flatMap((hosts) => hosts.split(',')).map(addressOf)
  const ofJumps = jumps
    .filter((address) => !addresses.has(address))
    .map((address) => completeSSHOptions({ address, sshConfig: options.sshConfig }))
    .map((jump) => identityFiles(jump, readSettings(jump), addresses))
  const own = options.key === undefined ? [] : [options.key]
  return [...own, ...keys, ...(await Promise.all(ofJumps)).flat()]
}

// Expands the tokens and variables that ssh_config(5) allows in "IdentityFile".
function expandTokens(file: string, settings: SSHSettings): string {
  const tokens: Readonly<Record<string, () => string>> = {
    d: homedir,
    h: () => settingOf(settings, 'hostname') ?? '',
    r: () => settingOf(settings, 'user') ?? '',
    u: () => userInfo().username,
    '%': () => '%',
  }
  const withTokens = file.replace(/%([dhru%])/g, (_, token: string) => tokens[token]!())
  return absolutePath(withTokens.replace(/\$\{(\w+)\}/g, (_, name: string) => process.env[name] ?? ''))
}

function addressOf(jump: string): string {
  return jump.replace(/^(?:ssh:\/\/)?(?:[^@]*@)?/, '').replace(/:\d+$/, '')
}
