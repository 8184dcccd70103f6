import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { until } from './until.js'

/** What a host is made of. */
export interface HostParts {
  readonly number: number
  readonly name: string
  readonly folder: string
  readonly sshd: string
  /** The PATH of those who log in. */
  readonly path: string
}

/** An SSH host that a test may do anything to. */
export abstract class TestHost {
  readonly name: string
  readonly folder: string
  /** The home folder of who logs in. */
  readonly home: string
  abstract readonly address: string
  abstract readonly port: number
  protected child: ChildProcess | undefined

  constructor(protected readonly parts: HostParts) {
    this.name = parts.name
    this.folder = parts.folder
    this.home = join(parts.folder, 'home')
  }

  /** The processes on the host, as this machine numbers them. */
  abstract processes(): number[]
  /** Ends every process on it, as a power cut does; what is on its disk stays. */
  abstract kill(): Promise<void>
  /** Settles when sshd answers. */
  abstract boot(): Promise<void>
  /** Pulls its network cable out, or plugs it in again. */
  abstract cut(): void
  abstract mend(): void

  /** What its sshd has noted since it was made: every login and every program that was started. */
  log(): string {
    return readFileSync(this.logFile, 'utf8')
  }

  /** How many connections and programs its sshd has seen. */
  counts(): { handshakes: number; executions: number } {
    const log = this.log()
    const count = (pattern: RegExp): number => log.match(pattern)?.length ?? 0
    return { handshakes: count(/Accepted publickey/g), executions: count(/Starting session/g) }
  }

  /** Stops every process without ending it: its sshd accepts connections, and says nothing. */
  freeze(): void {
    for (const pid of this.processes()) process.kill(pid, 'SIGSTOP')
  }

  thaw(): void {
    for (const pid of this.processes()) process.kill(pid, 'SIGCONT')
  }

  protected get logFile(): string {
    return join(this.folder, 'sshd.log')
  }

  /**
   * Runs sshd under a shell that ends it when this process is gone: then its standard input ends. `prepare` are lines of
   * the shell that come first; it says "ready" after them, and goes on when it is told to.
   */
  protected start(command: readonly string[], prepare: string): void {
    const script = `set -e; exec 3<&0; ${prepare}
      echo ready; read -r _ <&3
      "$0" -D -f "$1/sshd_config" -E "$1/sshd.log" 3<&- </dev/null >/dev/null 2>&1 & sshd=$!
      cat <&3 >/dev/null & wait $!
      kill $sshd`
    const [program = '', ...args] = [...command, 'sh', '-c', script, this.parts.sshd, this.folder]
    this.child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  }

  protected async ready(): Promise<void> {
    const [said] = await once(this.child!.stdout!, 'data', { signal: AbortSignal.timeout(20_000) })
    if (!String(said).startsWith('ready')) throw new Error(`host ${this.name} said "${said}"`)
  }

  protected async ended(): Promise<void> {
    const { child } = this
    if (child && child.exitCode === null && child.signalCode === null) await once(child, 'close')
    this.child = undefined
  }

  protected writeConfig(listen: readonly string[]): void {
    const { folder, home, parts } = this
    const environment = {
      HOME: home,
      PATH: parts.path,
      TMPDIR: join(folder, 'tmp'),
      FLAMBEAU_TEST_HOST: folder,
      // The login host of Slurm.
      ...(process.env['SLURM_CONF'] && { SLURM_CONF: process.env['SLURM_CONF'] }),
    }
    const lines = [
      ...listen,
      `HostKey "${join(folder, 'etc/ssh_host_ed25519_key')}"`,
      // The second one is there whatever happens to the home folder.
      `AuthorizedKeysFile "${join(home, '.ssh/authorized_keys')}" "${join(folder, 'authorized_keys')}"`,
      `SetEnv ${Object.entries(environment)
        .map(([name, value]) => `"${name}=${value}"`)
        .join(' ')}`,
      // What is below the folder of temporary files is never strict enough.
      'StrictModes no',
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'UsePAM no',
      'UseDNS no',
      'PidFile none',
      'MaxStartups 200',
      'LogLevel VERBOSE',
    ]
    writeFileSync(join(folder, 'sshd_config'), `${lines.join('\n')}\n`)
  }

  /** Settles when its sshd says who it is. */
  protected async answers(): Promise<void> {
    const isAnswering = async () => (await banner(this.address, this.port)).startsWith('SSH-2.0')
    await until(isAnswering, `host ${this.name} answers`)
  }
}

function banner(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 })
    const end = (said: unknown): void => {
      socket.destroy()
      resolve(String(said))
    }
    socket
      .once('data', end)
      .once('error', end)
      .once('timeout', () => end(''))
      .once('close', () => end(''))
  })
}
