import { execFileSync, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { appendFileSync, existsSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { allProcesses, read } from './processes.js'
import { type HostParts, TestHost } from './test-host.js'

const unshare = ['unshare', '--net', '--pid', '--mount', '--ipc', '--fork', '--kill-child', '--mount-proc']

/** Whether this process may make namespaces and network links: root may, but for some containers. */
export function canMakeNamespaces(): boolean {
  if (process.getuid?.() !== 0) return false
  const links = ['link', 'add', 'type', 'veth']
  return spawnSync(unshare[0]!, [...unshare.slice(1), 'ip', ...links], { stdio: 'ignore' }).status === 0
}

/** A socket that listens, as `/proc/net/tcp` has it. */
const listen = '0A'

/** The networks of RFC 2544, which are for tests only: 198.18.0.0/15. */
const networks = 512

/** The network between the hosts of one test file, and this machine's end of it. */
export class Bridge {
  readonly number = claimNetwork()
  readonly name = nameOf(this.number)

  constructor() {
    ip(`addr add ${this.address(254)}/24 dev ${this.name}`)
    ip(`addr add ${this.address6(254)}/64 dev ${this.name} nodad`)
    ip(`link set ${this.name} up`)
  }

  address(host: number): string {
    return `198.${18 + (this.number >> 8)}.${this.number & 255}.${host}`
  }

  address6(host: number): string {
    return `fd00:f1a:${this.number.toString(16)}::${host.toString(16)}`
  }

  remove(): void {
    ip(`link del ${this.name}`)
  }
}

// Of two processes that make the same link just one succeeds: the kernel sees to it.
function claimNetwork(): number {
  for (let tries = 0; tries < networks; tries++) {
    const number = (process.pid + tries) % networks
    const made = spawnSync('ip', ['link', 'add', nameOf(number), 'type', 'bridge'], { stdio: 'ignore' })
    if (made.status === 0) return number
  }
  throw new Error('no network is free for the hosts')
}

function nameOf(network: number): string {
  return `flt${network}`
}

function ip(command: string, args: readonly string[] = []): void {
  execFileSync('ip', [...args, ...command.split(' ')])
}

/** A host with a network, processes and mounts of its own. */
export class NamespaceHost extends TestHost {
  readonly address: string
  readonly address6: string
  readonly port = 22
  readonly #link: string

  constructor(
    parts: HostParts,
    readonly bridge: Bridge,
  ) {
    super(parts)
    this.address = bridge.address(parts.number)
    this.address6 = bridge.address6(parts.number)
    this.#link = `${bridge.name}h${parts.number}`
    this.writeConfig([`ListenAddress ${this.address}:22`, `ListenAddress [${this.address6}]:22`])
  }

  processes(): number[] {
    const network = this.#network()
    return allProcesses().filter((pid) => networkOf(pid) === network)
  }

  async boot(): Promise<void> {
    writeFileSync(join(this.folder, 'boot_id'), `${randomUUID()}\n`)
    this.start(unshare, this.#mounts())
    await this.ready()
    this.#connect()
    this.child!.stdin!.write('go\n')
    await this.answers()
  }

  async kill(): Promise<void> {
    this.child?.kill('SIGKILL')
    await this.ended()
    // The kernel takes it away in its own time, and until then another one cannot have its name.
    spawnSync('ip', ['link', 'del', this.#link], { stdio: 'ignore' })
  }

  cut(): void {
    ip(`link set ${this.#link} down`)
  }

  mend(): void {
    ip(`link set ${this.#link} up`)
  }

  /** Adds lines to the configuration of its sshd, which counts from the next boot on. */
  configure(...lines: readonly string[]): void {
    appendFileSync(join(this.folder, 'sshd_config'), lines.map((line) => `${line}\n`).join(''))
  }

  /** From now on nothing comes in or goes out but by port 22: packets of all other ports vanish, until it boots. */
  closeAllButSsh(): void {
    for (const port of ['dport', 'sport']) this.#inside(`rule add pref 10 ipproto tcp ${port} 22 lookup main`)
    this.#inside(`rule add pref 11 to ${this.bridge.address(0)}/24 blackhole`)
  }

  /** The ports on which anything listens. */
  listening(): number[] {
    const [pid] = this.processes()
    const lines = ['tcp', 'tcp6'].flatMap((name) => read(`/proc/${pid}/net/${name}`).split('\n'))
    const fields = lines.map((line) => line.trim().split(/\s+/)).filter(([, , , state]) => state === listen)
    return [...new Set(fields.map(([, local = '']) => Number.parseInt(local.split(':')[1]!, 16)))]
  }

  /** Covers files and folders of this machine with others, for this host alone. */
  cover(covers: Readonly<Record<string, string>>): void {
    const inside = ['-t', String(this.child!.pid), '--mount']
    for (const [path, by] of Object.entries(covers))
      execFileSync('nsenter', [...inside, 'mount', '--bind', by, path])
  }

  /** Covers every Node that a login on this host would find. */
  hideNode(): void {
    const places = [process.execPath, '/usr/local/bin/node', '/usr/bin/node', '/opt/node/bin/node']
    for (const place of new Set([...places, '/opt/homebrew/bin/node'].filter((each) => existsSync(each))))
      this.cover({ [place]: '/dev/null' })
  }

  /** Adds a user, whose home folder is that of the host; `shell` is what a login starts. */
  addUser({ name, uid, shell = '/bin/bash' }: { name: string; uid: number; shell?: string }): void {
    const files = {
      passwd: `${name}:x:${uid}:${uid}::${this.home}:${shell}\n`,
      shadow: `${name}:*:19000:0:99999:7:::\n`,
    }
    for (const [file, line] of Object.entries(files)) {
      const copy = join(this.folder, file)
      const others = read(`/etc/${file}`)
        .split('\n')
        .filter((each) => !each.startsWith(`${name}:`))
      writeFileSync(copy, `${line}${others.join('\n')}`)
      this.cover({ [`/etc/${file}`]: copy })
    }
  }

  /** Runs `mount` on this host alone. */
  mount(...args: readonly string[]): void {
    execFileSync('nsenter', ['-t', String(this.child!.pid), '--mount', 'mount', ...args])
  }

  #mounts(): string {
    return [
      'mount -t tmpfs run /run; mkdir /run/sshd',
      'mount --bind "$1/etc" /etc/ssh',
      'mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id',
    ].join('; ')
  }

  #connect(): void {
    const pid = this.child!.pid!
    const inside = (command: string): Buffer => this.#inside(command)
    // The same network card after each boot: others remember its number.
    const card = `02:00:00:00:00:${this.parts.number.toString(16).padStart(2, '0')}`
    ip(`link add ${this.#link} type veth peer name eth0 address ${card} netns ${pid}`)
    ip(`link set ${this.#link} master ${this.bridge.name} up`)
    inside('link set lo up')
    inside(`addr add ${this.address}/24 dev eth0`)
    inside(`addr add ${this.address6}/64 dev eth0 nodad`)
    inside('link set eth0 up')
  }

  #inside(command: string): Buffer {
    const pid = String(this.child!.pid)
    return execFileSync('nsenter', ['-t', pid, '--net', 'ip', ...command.split(' ')])
  }

  #network(): string {
    return networkOf(this.child?.pid ?? 0)
  }
}

function networkOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return ''
  }
}
