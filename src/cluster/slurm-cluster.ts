import { homedir } from 'node:os'
import { posix } from 'node:path'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { errorAt, type WrittenNode, writtenOption } from '../document/written-option.js'
import { ClusterConfigurationError, ClusterError, isFlambeauError } from '../errors.js'
import { ownRegistrable as registrable } from '../registry/own-tags.js'
import { type CompleteNeeds, describeNeeds, noNeeds } from '../runnable/needs.js'
import type { NeedsSite } from '../runnable/needs-problems.js'
import type { Runnable } from '../runnable/runnable.js'
import { printable } from '../util/printable.js'
import { memoryBesideWorkers } from '../util/this-machine.js'
import { type CheckMode, Cluster } from './cluster.js'
import { commonOptions, HostName, Text } from './cluster-options.js'
import { isClusterRunnable } from './cluster-runnable.js'
import type { AgentHost } from './host/agent-host.js'
import type { ExecResult } from './host/host.js'
import { LocalHost } from './host/local-host.js'
import { SSHHost } from './host/ssh-host.js'
import { onEveryHost } from './hosts.js'
import type { Members } from './members.js'
import { HostLayout } from './protocol/layout.js'
import type { RunSpecification } from './protocol/messages.js'
import type { ClusterCallOptions, HostReport } from './provision/events.js'
import type { RemoteRun } from './run/remote-run.js'
import { runNeeds } from './run/run-needs.js'
import type { SubmitOptions } from './run/submit.js'
import { type Excess, findExcess, listNodes, showPartitions } from './slurm-limits.js'
import { sshHostOptions, sshOptions } from './ssh-options.js'

const timeMessage =
  'must be a time as Slurm writes it: minutes such as 90, "hours:minutes:seconds" or "days-hours"'

/** Minutes, or `minutes:seconds`, `hours:minutes:seconds`, `days-hours`, `days-hours:minutes:seconds`. */
const Time = v.union(
  [
    v.pipe(v.number(), v.integer(), v.minValue(1)),
    v.pipe(v.string(), v.regex(/^(?:\d+-\d+(?::\d+){0,2}|\d+(?::\d+){0,2})$/, timeMessage)),
  ],
  timeMessage,
)

/**
 * The options of `sbatch` that this package sets, that would make a run something else than one job that starts once, or with which
 * `sbatch` submits nothing.
 */
const reservedNames =
  'array autocomplete chdir clusters error help input job-name nodes open-mode output parsable quiet requeue test-only usage version wait wrap'.split(
    ' ',
  )
/** Letters that have no value can stand before another one. */
const reservedLetters = /^-[HIkOsv]*[aDehiJMNoQVW]/

// "sbatch" takes the beginning of a name as well.
function isReserved(option: string): boolean {
  const [, name] = /^--([\w-]+)/.exec(option) ?? []
  return name === undefined
    ? reservedLetters.test(option)
    : reservedNames.some((each) => each.startsWith(name))
}

const SbatchOption = v.pipe(
  Text,
  // "sbatch" takes what follows a letter, a space too, as the value.
  v.regex(
    /^-(?:[A-Za-z](?!\s)|-[A-Za-z][\w-]*(?:=|$))/,
    'must be one option with its value, such as "--constraint=a100"',
  ),
  v.check((option) => !isReserved(option), 'is an option that flambeau sets itself: leave it out'),
)

const SlurmClusterOptions = toStandardJsonSchema(
  v.strictObject({
    // One by one: compilers order the members of a spread differently in declarations.
    name: commonOptions.name,
    setupCmds: commonOptions.setupCmds,
    secrets: commonOptions.secrets,
    maxSize: commonOptions.maxSize,
    workers: commonOptions.workers,
    env: commonOptions.env,
    login: v.optional(HostName),
    key: sshOptions.key,
    username: sshOptions.username,
    port: sshOptions.port,
    hostKeys: sshOptions.hostKeys,
    sshConfig: sshOptions.sshConfig,
    connectTimeout: sshOptions.connectTimeout,
    node: sshOptions.node,
    share: v.optional(
      v.pipe(
        Text,
        v.regex(/^\//, 'must be an absolute path that the login host and the nodes share'),
        // "sbatch" takes what follows it in the path of an output as it is, with "%" and all.
        v.regex(/^[^\\]*$/, 'must have no backslash: "sbatch" does not take it as a part of a path'),
      ),
    ),
    partition: v.optional(Text),
    account: v.optional(Text),
    time: v.optional(Time),
    nodes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 1),
    sbatch: v.optional(v.array(SbatchOption), []),
  }),
)

/**
 * Machines that Slurm manages. Each run is a job: `submit` sends it to the login host and calls `sbatch` there, and the job
 * has the states, the log and the exit code of a run elsewhere. The login host and the nodes share the home folder, or
 * `share`; Node is installed there.
 *
 * ```yaml
 * !SlurmCluster
 * name: campus
 * login: login.example.edu     # an address, or an alias from ~/.ssh/config; default: this machine is the login host
 * partition: gpu               # and account, time (minutes, "2:00:00" or "1-12"), as sbatch takes them
 * time: "2:00:00"
 * nodes: 2                     # how many machines a run gets; the workers of its pools run on all of them
 * sbatch: [--constraint=a100]  # further options of sbatch
 * share: /scratch/me           # where the home folder is not shared
 * ```
 *
 * What a runnable {@link Runnable.needs} of its host becomes `--gres=gpu:N`, `--cpus-per-task` and `--mem`. The options of a
 * connection are those of {@link SSHCluster}. Any number of runs may wait: Slurm decides when each starts.
 */
@registrable('!SlurmCluster', {
  keys: 'snake_case',
  twin: true,
  description: 'Machines that Slurm manages',
})
export class SlurmCluster extends Cluster.with(SlurmClusterOptions) {
  /** Whether the login host is known to have `sbatch`. */
  #hasSlurm = false

  protected override connect(): Members {
    const { login, node } = this.options
    const host = this.#loginHost()
    const address = login ?? '127.0.0.1'
    const connection = { kind: 'ssh', address, node } as const
    return { orchestrator: { host, role: 'orchestrator', address, connection }, factories: [] }
  }

  override async up(options: ClusterCallOptions = {}): Promise<readonly HostReport[]> {
    await this.#findSlurm().catch((error) => {
      // The setup commands may install Node, without which nothing can be asked.
      if (!isFlambeauError(error) || error.code !== 'HOST_NO_NODE') throw error
    })
    const reports = await super.up(options)
    await this.#findSlurm()
    return reports
  }

  override async submit(runnable: Runnable<any, any>, options: SubmitOptions = {}): Promise<RemoteRun> {
    return super.submit(runnable, options).catch((error) => {
      const isOfHost = isFlambeauError(error) && error.code === 'SLURM_REFUSED'
      if (!isOfHost || error instanceof ClusterConfigurationError) throw error
      throw this.#refused(error.message, sitesOf(runnable, options), error)
    })
  }

  /** @internal */
  protected override slurmJob(
    runnable: Runnable<any, any>,
    options: SubmitOptions,
  ): RunSpecification['slurm'] {
    return { arguments: this.#arguments(sitesOf(runnable, options)) }
  }

  /** @internal The workers of one node can be processes of the run. */
  protected override get workerHosts(): number {
    const { nodes } = this.options
    return nodes === 1 ? 0 : nodes
  }

  /** @internal Which nodes a run gets is known only when it starts: Slurm itself says whether any of them suffice. */
  protected override async workerResources(): Promise<readonly []> {
    return []
  }

  /** @internal @throws `ClusterConfigurationError` when Slurm says that such a job can never run. */
  protected override checkNeeds(
    runnable: Runnable<any, any>,
    options: SubmitOptions,
    mode: CheckMode = { isPlan: false },
  ): Promise<void> {
    return this.#testSubmission(sitesOf(runnable, options), mode)
  }

  #arguments(sites: Sites): string[] {
    const { partition, account, time, nodes, sbatch, workers = sites.workers } = this.options
    return [
      `--nodes=${nodes}`,
      '--ntasks-per-node=1',
      ...(partition === undefined ? [] : [`--partition=${partition}`]),
      ...(account === undefined ? [] : [`--account=${account}`]),
      ...(time === undefined ? [] : [`--time=${time}`]),
      ...needsArguments(jobNeeds(sites, workers)),
      ...sbatch,
    ]
  }

  async #findSlurm(): Promise<void> {
    if (!this.#hasSlurm) await onEveryHost([this.orchestrator], () => this.#sbatch(['--version']))
  }

  /** Asks Slurm whether such a job can ever run. */
  async #testSubmission(sites: Sites, { isPlan }: CheckMode): Promise<void> {
    const args = this.#arguments(sites)
    const [tested, excess] = await Promise.all([
      this.#sbatch(['--test-only', ...args]),
      this.#findExcess(args, sites),
    ])
    const isLifted = excess !== undefined && (await this.#mayLiftLimits())
    if (excess && !isLifted) throw excess
    if (tested.exitCode === 0 && (!isLifted || isPlan)) return
    const said = tested.stderr.toString()
    if (unusableSlurm.test(said)) throw this.#refused(said, sites)
    // The test refuses what would wait for nodes that are down, too: of a real job, Slurm says whether it can ever run.
    if (!isPlan) return this.#submitProbe(args, { sites, excess })
    if (/invalid|unrecognized/i.test(said) || (await this.#areNodesUp())) throw this.#refused(said, sites)
  }

  /** Whether any quality of service lifts limits of partitions. */
  async #mayLiftLimits(): Promise<boolean> {
    const flags = await this.#print(['sacctmgr', '--noheader', '--parsable2', 'show', 'qos', 'format=flags'])
    return flags.includes('Partition')
  }

  /** Submits a job that does nothing, asks Slurm about it, and cancels it. */
  async #submitProbe(
    args: readonly string[],
    { sites, excess }: { sites: Sites; excess: ClusterConfigurationError | undefined },
  ): Promise<void> {
    // Nobody is to hear of it, whatever the options say.
    const quiet = ['--begin=now+1hour', '--mail-type=NONE', '--parsable', '--output=/dev/null']
    const probe = await this.#sbatch([...args, ...quiet])
    if (probe.exitCode !== 0) throw excess ?? this.#refused(probe.stderr.toString(), sites)
    const id = probe.stdout.toString().trim().split(';')[0]!
    const reason = await this.#print(['squeue', '--noheader', `--jobs=${id}`, '--format=%r'])
    const cancelled = await this.orchestrator.exec(['scancel', id])
    if (cancelled.exitCode !== 0) {
      const { name } = this.orchestrator
      const message = `Slurm did not cancel job ${id}, which tested whether this run is accepted (${lastLine(cancelled.stderr.toString())}): run "scancel ${id}" on host "${name}"`
      throw new ClusterError(message, { code: 'SLURM_SILENT' })
    }
    if (neverReasons.test(reason))
      throw excess ?? this.#refused(`it would wait for ever (${reason.trim()})`, sites)
  }

  /** Whether Slurm can use all nodes that the run may get, so that it would not wait for others. */
  async #areNodesUp(): Promise<boolean> {
    const { partition } = this.options
    const named = partition === undefined ? [] : [`--partition=${partition}`]
    const printed = await this.#print(['sinfo', '--noheader', '--format=%T', ...named])
    const states = printed.split('\n').flatMap((line) => line.trim() || [])
    return states.length > 0 && states.every((state) => /^(?:idle|mixed|allocated|completing)$/.test(state))
  }

  /** Whether it asks for more than there is, as far as that can be known without a job. */
  async #findExcess(args: readonly string[], sites: Sites): Promise<ClusterConfigurationError | undefined> {
    const [partitions, nodes] = await Promise.all([
      this.#print(['scontrol', ...showPartitions]),
      this.#print(['sinfo', ...listNodes]),
    ])
    const excess = findExcess(args, { partitions, nodes })
    return excess && this.#excessAt(excess, sites)
  }

  #excessAt({ what, message }: Excess, sites: Sites): ClusterConfigurationError {
    const site = what === 'cpus' || what === 'memory' ? siteOfNeeds(sites) : undefined
    if (site) return refusedAt(site.written, `${message} (${describeNeeds(site.needs)})`)
    const workers = what === 'cpus' ? (writtenOption(this, 'workers') ?? sites.worker?.written) : undefined
    const written = workers ?? writtenOption(this, what) ?? writtenOption(this, 'sbatch')
    return refusedAt(written ?? writtenOption(this), message)
  }

  /** What a program on the login host prints; nothing when it does not exist. */
  async #print(argv: readonly string[]): Promise<string> {
    const result = await this.orchestrator.exec(argv).catch((error) => {
      if (!isFlambeauError(error) || error.code !== 'NO_PROGRAM') throw error
      return undefined
    })
    return result?.stdout.toString() ?? ''
  }

  async #sbatch(args: readonly string[]): Promise<ExecResult> {
    try {
      const result = await this.orchestrator.exec(['sbatch', ...args], { input: '#!/bin/sh\n' })
      this.#hasSlurm = true
      return result
    } catch (cause) {
      if (!isFlambeauError(cause) || cause.code !== 'NO_PROGRAM') throw cause
      const message = `Host "${this.orchestrator.name}" has no "sbatch": name a login host of Slurm as "login"`
      throw new ClusterConfigurationError(message, { code: 'HOST_NO_SLURM', cause })
    }
  }

  #refused(stderr: string, sites: Sites, cause?: unknown): ClusterError {
    const said = printable(stderr.replaceAll(/^sbatch: (?:error: )?/gm, '').trim())
    const reason = lastLine(said).replace(/^(?:Batch job submission failed|allocation failure): /, '')
    if (unusableSlurm.test(said)) {
      const message = `Slurm does not answer on host "${this.orchestrator.name}" (${reason}): try again when "sinfo" answers there`
      return new ClusterError(message, { code: 'SLURM_SILENT', cause })
    }
    const key = refusedOptions.find(([pattern]) => pattern.test(said))?.[1]
    const message = `Slurm refuses this job: ${reason}`
    const site = siteOfNeeds(sites)
    if (key === undefined && site) return refusedAt(site.written, `${message} (${describeNeeds(site.needs)})`)
    const options = [key, 'sbatch'].map((each) => each && writtenOption(this, each))
    return refusedAt(options.find(Boolean) || writtenOption(this), message)
  }

  #loginHost(): AgentHost {
    const { login, share } = this.options
    if (login !== undefined) return new LoginHost(sshHostOptions(this, login), share)
    return new LocalLogin('this machine', share ?? homedir())
  }
}

// After an option that it does not have, "sbatch" names its help.
function lastLine(said: string): string {
  const lines = printable(said).trim().split('\n')
  return lines.findLast((line) => !line.startsWith('Try "sbatch')) ?? ''
}

function refusedAt(written: WrittenNode | undefined, message: string): ClusterConfigurationError {
  const { text, options } = errorAt(written, 'SLURM_REFUSED', message)
  return new ClusterConfigurationError(text, options)
}

/** Why a job waits that can never run. One that waits for nodes that are down has another reason. */
const neverReasons =
  /^(?:PartitionConfig|PartitionTimeLimit|PartitionNodeLimit|BadConstraints|MaxMemPerLimit|(?:Assoc|QOS)Max\w*PerJob\w*)\s*$/

/** What commands of Slurm say that do not get so far as to look at the job. */
const unusableSlurm =
  /contact slurm controller|timed out|configuration (?:source|file)|slurm\.conf|munge|protocol|authentication|zero bytes|connection (?:refused|reset)|standby mode/i

/** What Slurm says, and the option that it says it of. */
const refusedOptions: readonly (readonly [said: RegExp, key: string])[] = [
  [/invalid account/i, 'account'],
  [/partition/i, 'partition'],
  [/time/i, 'time'],
  [/--\w|option|constraint|feature|reservation|licen[cs]e|node name|qos/i, 'sbatch'],
]

/** What a run needs of each node: its own process, and its workers. */
interface Sites {
  readonly own: NeedsSite
  readonly worker: NeedsSite | undefined
  /** How many workers the runnable wants on each node. */
  readonly workers: number | undefined
}

function sitesOf(runnable: Runnable<any, any>, { needs }: SubmitOptions): Sites {
  const { site: worker, workers } = (isClusterRunnable(runnable) && runnable.workerNeeds) || {}
  return { own: runNeeds(runnable, needs), worker, workers }
}

/** What a run without workers has beside what it needs, in bytes: for Node, the modules of flambeau, and its supervisor. */
const memoryBesideRun = 256 * 2 ** 20

/** What asks for more than a processor and a process, if there is something. */
function siteOfNeeds({ worker, own }: Sites): NeedsSite | undefined {
  return [worker, own].find((each) => each && each.needs !== noNeeds)
}

/** What the run itself needs, and so many workers beside it; each worker has a processor. */
function jobNeeds({ own, worker }: Sites, workers: number | undefined): CompleteNeeds {
  const each = worker?.needs ?? noNeeds
  const count = workers ?? 1
  const cpus = workers === undefined ? each.cpus : count * (each.cpus || 1)
  const memory = own.needs.memory + count * each.memory
  // Slurm kills a job for the memory of all its processes.
  const others = memory === 0 ? 0 : worker ? memoryBesideWorkers : memoryBesideRun
  return {
    gpus: own.needs.gpus + count * each.gpus,
    cpus: own.needs.cpus + cpus,
    memory: memory + others,
  }
}

function needsArguments({ gpus, cpus, memory }: CompleteNeeds): string[] {
  return [
    ...(gpus === 0 ? [] : [`--gres=gpu:${gpus}`]),
    ...(cpus === 0 ? [] : [`--cpus-per-task=${Math.ceil(cpus)}`]),
    // In mebibytes.
    ...(memory === 0 ? [] : [`--mem=${Math.ceil(memory / 2 ** 20)}M`]),
  ]
}

/** This machine as the login host: the project may be in its home folder. */
class LocalLogin extends LocalHost {
  override async privateFiles(): Promise<readonly string[]> {
    return [new HostLayout(this.folder).root]
  }
}

/** A login host; `share` takes the place of the home folder there, once Node is found. */
class LoginHost extends SSHHost {
  constructor(
    options: ConstructorParameters<typeof SSHHost>[0],
    readonly share: string | undefined,
  ) {
    super(options)
  }

  override start(argv: readonly string[]): ReturnType<SSHHost['start']> {
    return super.start(
      this.share === undefined ? argv : ['env', `FLAMBEAU_HOME=${posix.normalize(this.share)}`, ...argv],
    )
  }
}
