import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { promisify } from 'node:util'
import { absolutePath } from '../../util/paths.js'
import { SessionEnded } from './agent-errors.js'
import { explainSshError } from './ssh-errors.js'
import { destinationArguments, type SSHHostOptions } from './ssh-options.js'

const execute = promisify(execFile)

/** What a name stands for, as the configuration of ssh on this machine has it. */
export interface SSHDestination {
  readonly hostname: string
  readonly user: string
  readonly port: number
  /** By which its key is looked up in `known_hosts`. */
  readonly keyName: string
  readonly knownHostsFiles: readonly string[]
}

/**
 * Asks ssh what an alias stands for; connects to nothing.
 *
 * @throws `ClusterError` when ssh cannot use its configuration.
 */
export async function resolveDestination(options: SSHHostOptions): Promise<SSHDestination> {
  const { stdout } = await execute('ssh', [
    '-G',
    ...destinationArguments(options),
    '--',
    options.address,
  ]).catch(({ code, stderr, message }) => {
    const exitCode = typeof code === 'number' ? code : null
    throw explainSshError(options, new SessionEnded({ exitCode, stderr: stderr || message, greeted: false }))
  })
  const settings = parseSettings(stdout)
  const hostname = settings.get('hostname') ?? options.address
  const port = Number(settings.get('port') ?? 22)
  const files = ['userknownhostsfile', 'globalknownhostsfile'].flatMap((name) => settings.get(name) ?? [])
  return {
    hostname,
    user: settings.get('user') ?? '',
    port,
    keyName: settings.get('hostkeyalias') ?? knownHostsName(hostname, port),
    knownHostsFiles: files.flatMap(filesOf),
  }
}

/** The keys by which this machine knows a host, such as `ssh-ed25519 AAAA...`. */
export async function knownKeys({ keyName, knownHostsFiles }: SSHDestination): Promise<string[]> {
  const found = await Promise.all(knownHostsFiles.map((file) => keysIn(file, keyName)))
  return found.flat()
}

/** How `known_hosts` has a host. */
export function knownHostsName(address: string, port: number | undefined): string {
  return port === undefined || port === 22 ? address : `[${address}]:${port}`
}

function parseSettings(text: string): Map<string, string> {
  return new Map(
    text.split('\n').map((line) => [line.split(' ', 1)[0]!, line.slice(line.indexOf(' ') + 1)] as const),
  )
}

// Several paths are separated by spaces, and one with a space looks like two.
function filesOf(value: string): string[] {
  const paths = [value, ...value.split(' ')].map((path) => absolutePath(path))
  return [...new Set(paths.filter((path) => path !== '/dev/null' && existsSync(path)))]
}

// Names may be hashed there, which ssh-keygen knows how to look for.
async function keysIn(file: string, name: string): Promise<string[]> {
  const found = await execute('ssh-keygen', ['-F', name, '-f', file]).catch(() => ({ stdout: '' }))
  return found.stdout.split('\n').flatMap((line) => {
    const [, key] = /^[^#@\s]\S* (\S+ [\w+/=]+)/.exec(line) ?? []
    return key ?? []
  })
}

/** The private keys with which ssh may log in to a host, or to those that it jumps over; some may not be there. */
export async function identityFiles(
  options: SSHHostOptions,
  seen: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const settings = await resolveSettings(options)
  const keys = settings
    .filter(([name]) => name === 'identityfile')
    .map(([, file]) => expandTokens(file, settings))
  const jumps = settings.filter(([name]) => name === 'proxyjump').flatMap(([, hosts]) => hosts.split(','))
  const known = new Set([...seen, options.address])
  const further = jumps.map(addressOf).filter((address) => !known.has(address))
  const { sshConfig } = options
  const theirs = await Promise.all(further.map((address) => identityFiles({ address, sshConfig }, known)))
  return [...(options.key === undefined ? [] : [options.key]), ...keys, ...theirs.flat()]
}

type Settings = readonly (readonly [name: string, value: string])[]

// Where ssh cannot use its configuration, connecting says so.
async function resolveSettings({ address, user, port, key, sshConfig }: SSHHostOptions): Promise<Settings> {
  const args = Object.entries({ F: sshConfig, l: user, p: port, i: key }).flatMap(([flag, value]) =>
    value === undefined ? [] : [`-${flag}`, String(value)],
  )
  const asked = promisify(execFile)('ssh', ['-G', ...args, '--', address])
  const { stdout } = await asked.catch(() => ({ stdout: '' }))
  return stdout.split('\n').map((line) => {
    const [name = '', ...value] = line.split(' ')
    return [name, value.join(' ')]
  })
}

// As ssh_config(5) has it, for what may stand in "IdentityFile".
function expandTokens(file: string, settings: Settings): string {
  const settingOf = (name: string): string => settings.find(([each]) => each === name)?.[1] ?? ''
  const tokens: Readonly<Record<string, () => string>> = {
    d: homedir,
    h: () => settingOf('hostname'),
    r: () => settingOf('user'),
    u: () => userInfo().username,
    '%': () => '%',
  }
  const withTokens = file.replace(/%([dhru%])/g, (_, token: string) => tokens[token]!())
  return absolutePath(withTokens.replace(/\$\{(\w+)\}/g, (_, name: string) => process.env[name] ?? ''))
}

function addressOf(jump: string): string {
  return jump.replace(/^(?:ssh:\/\/)?(?:[^@]*@)?/, '').replace(/:\d+$/, '')
}
