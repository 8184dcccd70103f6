import { execFile } from 'node:child_process'
import { homedir, userInfo } from 'node:os'
import { promisify } from 'node:util'
import { absolutePath } from '../../util/paths.js'
import type { SSHHostOptions } from './ssh-options.js'

/** The private keys with which ssh may log in to a host, or to those that it jumps over; some may not be there. */
export async function identityFiles(
  options: SSHHostOptions,
  seen: ReadonlySet<string> = new Set(),
): Promise<string[]> {
  const settings = await settingsOf(options)
  const keys = settings
    .filter(([name]) => name === 'identityfile')
    .map(([, file]) => expanded(file, settings))
  const jumps = settings.filter(([name]) => name === 'proxyjump').flatMap(([, hosts]) => hosts.split(','))
  const known = new Set([...seen, options.address])
  const further = jumps.map(addressOf).filter((address) => !known.has(address))
  const { sshConfig } = options
  const theirs = await Promise.all(further.map((address) => identityFiles({ address, sshConfig }, known)))
  return [...(options.key === undefined ? [] : [options.key]), ...keys, ...theirs.flat()]
}

type Settings = readonly (readonly [name: string, value: string])[]

// Where ssh cannot use its configuration, connecting says so.
async function settingsOf({ address, user, port, key, sshConfig }: SSHHostOptions): Promise<Settings> {
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
function expanded(file: string, settings: Settings): string {
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
