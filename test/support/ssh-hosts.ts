// Real SSH hosts on one Linux machine, each with its own sshd, host key and home folder. As root, where namespaces can
// be made, each has a network and processes of its own as well, and can be cut off, frozen, killed and booted; elsewhere
// each is an sshd on a port of the loopback. All of it ends with this process, however that ends.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { SSHHostOptions } from 'flambeau/cluster'
import { LoopbackHost } from './loopback-host.js'
import { Bridge, canMakeNamespaces, NamespaceHost } from './namespace-host.js'
import type { TestHost } from './test-host.js'

/** Where the programs of an administrator are, which the PATH of a user often lacks. */
const path = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter)
const sshd = path
  .split(delimiter)
  .map((folder) => join(folder, 'sshd'))
  .find(existsSync)

/** Why there can be no SSH hosts here; `false` when there can. */
export const noHosts: string | false =
  process.platform === 'linux' && sshd !== undefined
    ? false
    : 'needs Linux with sshd ("apt-get install openssh-server")'

const wanted = process.env['FLAMBEAU_TEST_HOSTS']
const namespaces = !noHosts && wanted !== 'loopback' && canMakeNamespaces()

/** Why hosts here cannot be cut off, frozen or rebooted; `false` when they can. */
export const noMachines: string | false =
  noHosts || (namespaces ? false : 'needs root and namespaces, which this machine does not give')

/** More hosts that boot at once only keep each other waiting. */
const atOnce = 8

/** SSH hosts `h1`, `h2`, ... of one test file, and what a client needs to reach them. */
export class SshHosts {
  readonly folder: string
  /** A private key that all hosts accept. */
  readonly key: string
  readonly knownHosts: string
  /** A configuration for `ssh`, which knows the hosts by their names. */
  readonly config: string
  readonly #bridge = namespaces ? new Bridge() : undefined
  readonly all: readonly TestHost[]

  private constructor(count: number, prefix: string) {
    this.folder = mkdtempSync(join(tmpdir(), prefix))
    this.key = join(this.folder, 'key')
    this.knownHosts = join(this.folder, 'known_hosts')
    this.config = join(this.folder, 'ssh_config')
    makeKey(this.key)
    this.all = Array.from({ length: count }, (_, index) => this.#make(index + 1))
  }

  /** Starts hosts; all of them answer when this settles. Their folders begin with `prefix`. */
  static async start(count: number, prefix = 'flambeau-hosts-'): Promise<SshHosts> {
    const hosts = new SshHosts(count, prefix)
    try {
      for (let at = 0; at < count; at += atOnce)
        await Promise.all(hosts.all.slice(at, at + atOnce).map((host) => host.boot()))
      hosts.#writeConfig()
      return hosts
    } catch (error) {
      await hosts.end()
      throw error
    }
  }

  /** How to reach a host, for an `SSHHost`. */
  options({ name }: TestHost): SSHHostOptions {
    return { address: name, sshConfig: this.config, connectTimeout: 5 }
  }

  /** Ends all hosts, and takes away all that there was of them. */
  async end(): Promise<void> {
    await Promise.all(this.all.map((host) => host.kill()))
    this.#bridge?.remove()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #make(number: number): TestHost {
    const folder = join(this.folder, `h${number}`)
    for (const name of ['etc', 'home/.ssh', 'tmp']) mkdirSync(join(folder, name), { recursive: true })
    for (const name of ['home', 'home/.ssh']) chmodSync(join(folder, name), 0o700)
    makeKey(join(folder, 'etc/ssh_host_ed25519_key'))
    const authorized = readFileSync(`${this.key}.pub`)
    for (const name of ['home/.ssh/authorized_keys', 'authorized_keys'])
      writeFileSync(join(folder, name), authorized, { mode: 0o600 })
    const host = { number, name: `h${number}`, folder, sshd: sshd!, path: hostPath }
    return this.#bridge ? new NamespaceHost(host, this.#bridge) : new LoopbackHost(host)
  }

  #writeConfig(): void {
    const hosts = this.all.map(
      ({ name, address, port }) => `Host ${name}\n  HostName ${address}\n  Port ${port}\n`,
    )
    const common = [
      'Host *',
      `  IdentityFile "${this.key}"`,
      '  IdentitiesOnly yes',
      `  UserKnownHostsFile "${this.knownHosts}"`,
      '  GlobalKnownHostsFile /dev/null',
    ]
    writeFileSync(this.config, `${hosts.join('')}${common.join('\n')}\n`)
  }
}

/** A host finds the very Node that runs the tests. */
const hostPath = [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter)

export function makeKey(file: string, passphrase = ''): void {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', file])
}
