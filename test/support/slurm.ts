// A real Slurm on one Linux machine: munged, slurmctld and a slurmd for each node, with a configuration, sockets, ports and
// folders of their own. All of it ends with this process, however that ends.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { hostname, tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { until } from './until.js'

const execute = promisify(execFile)

/** Where the daemons are, which the PATH of a user often lacks. */
const path = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter)
const find = (name: string): string | undefined =>
  path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync)

const missing = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'srun'].filter((name) => find(name) === undefined)

/** Why there can be no Slurm here; `false` when there can. */
export const noSlurm: string | false =
  process.platform !== 'linux' || process.getuid?.() !== 0 || missing.length > 0
    ? 'needs root on Linux with Slurm ("apt-get install slurmctld slurmd slurm-client munge")'
    : false

/** How many processors each node says that it has, whatever the machine has. */
export const cpusOfNode = 4

/** A program that ends when it is told to, and when this process is gone: then its standard input ends. */
class Daemon {
  readonly #child: ChildProcess

  constructor(argv: readonly string[], environment: Readonly<Record<string, string>>) {
    const script = `exec 3<&0; "$@" </dev/null >/dev/null 2>&1 3<&- & daemon=$!
      trap 'kill -TERM $daemon' TERM
      (read -r _ <&3; kill -TERM $daemon) >/dev/null 2>&1 & wait $daemon; wait $daemon; kill $! 2>/dev/null`
    this.#child = spawn('sh', ['-c', script, 'sh', ...argv], {
      env: { ...process.env, PATH: path, ...environment },
      stdio: ['pipe', 'ignore', 'inherit'],
    })
  }

  async end(): Promise<void> {
    this.#child.stdin!.end()
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }
}

/** Slurm for one test file. While it runs, the commands of Slurm that this process starts talk to it. */
export class Slurm {
  readonly folder = mkdtempSync(join(tmpdir(), 'flambeau-slurm-'))
  readonly configuration = join(this.folder, 'slurm.conf')
  readonly nodes: readonly string[]
  readonly #daemons = new Map<string, Daemon>()

  private constructor(count: number) {
    this.nodes = Array.from({ length: count }, (_, index) => `n${index + 1}`)
    // Its daemons run as other users.
    chmodSync(this.folder, 0o755)
  }

  /** Starts Slurm; all nodes are idle when this settles. */
  static async start(count = 2): Promise<Slurm> {
    const slurm = new Slurm(count)
    try {
      await slurm.#start()
      return slurm
    } catch (error) {
      await slurm.end()
      throw error
    }
  }

  /** What a command of Slurm prints. */
  async ask(command: string, ...args: readonly string[]): Promise<string> {
    const env = { ...process.env, PATH: path, SLURM_CONF: this.configuration }
    return (await execute(command, args, { env, timeout: 20_000 })).stdout
  }

  async stopController(): Promise<void> {
    await this.#daemons.get('slurmctld')!.end()
  }

  async startController(): Promise<void> {
    this.#daemons.set('slurmctld', new Daemon([find('slurmctld')!, '-D'], { SLURM_CONF: this.configuration }))
    await until(() => this.#isIdle(), 'Slurm answers')
  }

  /** Ends all jobs and daemons, and takes away all that there was of them. */
  async end(): Promise<void> {
    await this.ask('scancel', `--user=${userInfo().username}`).catch(() => undefined)
    await until(
      async () => (await this.ask('squeue', '--noheader').catch(() => '')) === '',
      'all jobs have ended',
    ).catch(() => undefined)
    for (const name of [...this.nodes, 'slurmctld', 'munged']) await this.#daemons.get(name)?.end()
    if (process.env['SLURM_CONF'] === this.configuration) delete process.env['SLURM_CONF']
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    await this.#startMunge()
    await this.#writeConfiguration()
    process.env['SLURM_CONF'] = this.configuration
    const environment = { SLURM_CONF: this.configuration }
    for (const name of this.nodes)
      this.#daemons.set(name, new Daemon([find('slurmd')!, '-D', '-N', name], environment))
    await this.startController()
  }

  // munged refuses to run as root, and to use what others can write.
  async #startMunge(): Promise<void> {
    const folder = join(this.folder, 'munge')
    mkdirSync(folder)
    writeFileSync(join(folder, 'key'), randomBytes(128), { mode: 0o400 })
    const [uid, gid] = await Promise.all(
      ['-u', '-g'].map(async (flag) => Number((await execute('id', [flag, 'munge'])).stdout)),
    )
    for (const each of [folder, join(folder, 'key')]) chownSync(each, uid!, gid!)
    const files = ['key', 'pid', 'log', 'seed'].map((name) => `--${name}-file=${join(folder, name)}`)
    const daemon = [find('munged')!, '--foreground', `--socket=${this.#socket}`, ...files]
    this.#daemons.set(
      'munged',
      new Daemon([find('setpriv')!, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...daemon], {}),
    )
    await until(() => existsSync(this.#socket), 'munged listens')
  }

  get #socket(): string {
    return join(this.folder, 'munge/socket')
  }

  async #isIdle(): Promise<boolean> {
    const states = await this.ask('sinfo', '--noheader', '--Node', '--partition=main', '--format=%T').catch(
      () => '',
    )
    return (
      states.split('\n').filter((state) => /^(?:idle|mixed|allocated|completing)$/.test(state)).length ===
      this.nodes.length
    )
  }

  async #writeConfiguration(): Promise<void> {
    const [name] = hostname().split('.')
    const ports = await freePorts(this.nodes.length + 1)
    mkdirSync(join(this.folder, 'state'))
    const settings = {
      ClusterName: 'test',
      SlurmctldHost: `${name}(127.0.0.1)`,
      SlurmctldPort: ports[0],
      SlurmUser: 'root',
      SlurmdUser: 'root',
      AuthType: 'auth/munge',
      AuthInfo: `socket=${this.#socket}`,
      StateSaveLocation: join(this.folder, 'state'),
      SlurmdSpoolDir: join(this.folder, 'spool-%n'),
      SlurmctldPidFile: join(this.folder, 'slurmctld.pid'),
      SlurmdPidFile: join(this.folder, 'slurmd-%n.pid'),
      SlurmctldLogFile: join(this.folder, 'slurmctld.log'),
      SlurmdLogFile: join(this.folder, 'slurmd-%n.log'),
      ProctrackType: 'proctrack/linuxproc',
      TaskPlugin: 'task/none',
      SelectType: 'select/cons_tres',
      SelectTypeParameters: 'CR_Core_Memory',
      SchedulerParameters: 'batch_sched_delay=0,sched_interval=2,bf_interval=2',
      MpiDefault: 'none',
      // Without cgroups, the daemon of a node itself kills a job that uses more memory than it has.
      JobAcctGatherType: 'jobacct_gather/linux',
      JobAcctGatherFrequency: 'task=1',
      JobAcctGatherParams: 'OverMemoryKill',
      // The nodes say that they have more than this machine.
      SlurmdParameters: 'config_overrides',
      ReturnToService: 2,
      KillWait: 10,
      MinJobAge: 300,
      PreemptType: 'preempt/partition_prio',
      PreemptMode: 'CANCEL',
      GresTypes: 'gpu',
    }
    const node = `NodeHostname=${name} NodeAddr=127.0.0.1 CPUs=${cpusOfNode} RealMemory=8000 Gres=gpu:2 State=UNKNOWN`
    const lines = [
      ...Object.entries(settings).map(([key, value]) => `${key}=${value}`),
      ...this.nodes.map((each, index) => `NodeName=${each} ${node} Port=${ports[index + 1]}`),
      'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 State=UP',
      'PartitionName=urgent Nodes=ALL MaxTime=INFINITE PriorityTier=10 State=UP',
      'PartitionName=short Nodes=ALL MaxTime=5 MaxNodes=1 MaxMemPerNode=2000 State=UP',
    ]
    writeFileSync(this.configuration, `${lines.join('\n')}\n`)
    // Two devices of each node, which are files.
    for (const number of [0, 1]) writeFileSync(join(this.folder, `gpu${number}`), '')
    const gpus = `Name=gpu File=${join(this.folder, 'gpu[0-1]')}`
    writeFileSync(
      join(this.folder, 'gres.conf'),
      `${this.nodes.map((each) => `NodeName=${each} ${gpus}`).join('\n')}\n`,
    )
  }

  /** What the controller has logged, to see why a test failed. */
  get log(): string {
    return readFileSync(join(this.folder, 'slurmctld.log'), 'utf8')
  }
}

// All are open at once, so that no two are the same.
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
