import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { absolutePath } from '../../util/paths.js'
import { SessionEnded } from './session-end.js'
import { whereArguments } from './ssh-arguments.js'
import { explainSsh } from './ssh-failure.js'
import type { SSHHostOptions } from './ssh-options.js'

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
  const { stdout } = await execute('ssh', ['-G', ...whereArguments(options), '--', options.address]).catch(
    ({ code, stderr, message }) => {
      const exitCode = typeof code === 'number' ? code : null
      throw explainSsh(options, new SessionEnded({ exitCode, stderr: stderr || message, greeted: false }))
    },
  )
  const settings = settingsOf(stdout)
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

function settingsOf(text: string): Map<string, string> {
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
