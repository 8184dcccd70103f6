import { existsSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { absolutePath } from '../../util/paths.js'
import { keysIn } from './known-hosts.js'
import { type CompleteSSHOptions, completeSSHOptions } from './ssh-options.js'
import { readSettings, type SSHSettings } from './ssh-settings.js'

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
