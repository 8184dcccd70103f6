import { noNeeds } from '../runnable/needs.js'
import type { RunOptions } from '../runnable/run-options.js'
import { Runnable, type UserProvider } from '../runnable/runnable.js'
import { secretsFilesOf, serializeSecrets } from '../runnable/secrets/serialize-secrets.js'
import { variableTexts } from '../util/environment-variables.js'
import { PrivateFiles } from '../util/private-files.js'
import { defaultGraceMs } from '../util/process.js'
import { collectParts } from './bundle/bundle.js'
import { declaredFiles } from './bundle/declared-files.js'
import { collectRunFiles, currentProject, type RunFiles } from './bundle/run-files.js'
import { type ContentPlan, checkSize, contentPlanOf, sizeLimitOf } from './bundle/size-limit.js'
import { type ClusterAccess, isClusterRunnable } from './cluster-runnable.js'
import type { AgentHost } from './host/agent-host.js'
import { ClusterHosts, onEveryHost, removeCluster } from './hosts.js'
import { type Members, membersOf } from './members.js'
import { fromHome, HostLayout } from './protocol/layout.js'
import type { HostState, Resources, RunSpecification, RunStatus } from './protocol/messages.js'
import type { ClusterCallOptions, HostPlan, HostReport } from './provision/events.js'
import { provision } from './provision/provision.js'
import type { InspectedHost } from './provision/steps.js'
import { RemoteEnvironment } from './remote-environment.js'
import { RemoteRun } from './run/remote-run.js'
import { expectFit, runNeeds } from './run/run-needs.js'
import { type SubmitOptions, submit } from './run/submit.js'

/** The options that every kind of cluster has. */
export interface ClusterOptions {
  /** Distinguishes this cluster from others on the same hosts. */
  readonly name: string
  /** Shell commands that prepare a host. They run once on each host, and again after they change. */
  readonly setupCmds?: readonly string[] | null | undefined
  /** The sections of secrets that may be sent to hosts; none by default. */
  readonly secrets?: readonly string[] | null | undefined
  /** The most that a run may send to each host, such as `2 GB`; 100 MB and 10,000 files by default. */
  readonly maxSize?: string | number | undefined
  /** The most worker processes of a pool on each host; one for each processor by default. */
  readonly workers?: number | undefined
  /** Environment variables of runs and of the workers of their pools. Secrets do not belong here: they have a file of their own. */
  readonly env?: Readonly<Record<string, string | number>> | undefined
}

/**
 * Machines that work together: the orchestrator runs the runnable, the workers run its tasks. To support another
 * kind of machine, extend this class and implement `connect`.
 *
 * ```ts
 * const cluster = await loadFile('cluster.yaml', { expect: SSHCluster })
 * const run = await cluster.submit(runnable)
 * const { exitCode } = await run.wait()
 * await cluster.close()
 * ```
 *
 * Every method throws a `ClusterError` when a host fails; its `findings` name each host and its problem, and its
 * `cause` is the error of the host, or an `AggregateError` of several.
 */
export abstract class Cluster extends Runnable<readonly HostReport[]> implements ClusterAccess {
  abstract readonly options: ClusterOptions
  #members: Members | undefined
  #ready: readonly InspectedHost[] | undefined
  #clusterHosts: ClusterHosts | undefined
  /** How many calls of `submit` bring the cluster up: a subclass may override `up`. */
  #submitting = 0

  /** Returns the members of the cluster and how to reach them. It is called once, and opens no connection. */
  protected abstract connect(): Members

  /** @internal The job that runs a runnable, on a cluster whose machines Slurm manages. */
  protected slurmJob(_runnable: Runnable<any, any>, _options: SubmitOptions): RunSpecification['slurm'] {
    return undefined
  }

  /** @internal How many hosts run the tasks of a run, besides its own. */
  protected get workerHosts(): number {
    return this.factories.length
  }

  get name(): string {
    return this.options.name
  }

  get orchestrator(): AgentHost {
    return this.#all.orchestrator.host
  }

  get factories(): readonly AgentHost[] {
    return this.#all.factories.map(({ host }) => host)
  }

  /** The orchestrator, then the workers. */
  get hosts(): readonly AgentHost[] {
    return this.#hosts.all
  }

  /** Brings the cluster up and logs each step. */
  override run({ signal, logger }: RunOptions): Promise<readonly HostReport[]> {
    return this.up({
      signal,
      onEvent: (event) => {
        if (event.kind === 'did') logger.info(`${event.host}: ${event.what}`)
        if (event.kind === 'shared') logger.warn(event.message)
      },
    })
  }

  /**
   * Prepares every host: runs the setup commands, sends this package, and lets the orchestrator log in to its
   * workers. It is idempotent: what is already done is skipped.
   */
  async up(options: ClusterCallOptions = {}): Promise<readonly HostReport[]> {
    this.#ready = await this.#provision(options, false)
    return this.#ready.map(({ member, steps }) => ({ host: member.host.name, role: member.role, did: steps }))
  }

  /** Returns what `up` would do on each host, and changes nothing. */
  async plan(options: ClusterCallOptions = {}): Promise<readonly HostPlan[]> {
    const hosts = await this.#provision(options, true)
    return hosts.map(({ member, steps }) => ({ host: member.host.name, role: member.role, would: steps }))
  }

  /**
   * Removes everything that this package put on the hosts for this cluster. Fails while runs are active or queued, unless
   * `force`.
   */
  async down({
    force = false,
    graceMs = defaultGraceMs,
  }: {
    force?: boolean
    graceMs?: number
  } = {}): Promise<void> {
    this.#ready = undefined
    await removeCluster(this.#all, { cluster: this.name, force, graceMs })
  }

  /**
   * Brings the cluster up, sends the code, calls `setup` of a `ClusterRunnable`, then sends the runnable and starts
   * it. The run continues when this process exits.
   *
   * @throws `ClusterError` with code `RUN_ACTIVE` while other runs are active or queued, unless `queue` or `force`.
   */
  async submit(runnable: Runnable<any, any>, options: SubmitOptions = {}): Promise<RemoteRun> {
    await this.#preflight(runnable, options)
    // Before the cluster is brought up, which sends this package.
    const files = await runFilesOf(runnable, options, await this.#privateFiles(runnable))
    this.#submitting++
    await this.up(options).finally(() => this.#submitting--)
    const { force = false } = options
    const setUp = async (extensions: Readonly<Record<string, string>>): Promise<void> => {
      if (isClusterRunnable(runnable)) await runnable.setupInjectEnv({ cluster: this, extensions, force })
    }
    const { name, secrets, sizeLimit, workers, variables } = this.#settings
    const ready = await this.#readyHosts()
    // Again: bringing a local cluster up makes its folder.
    const privateFiles = await this.#privateFiles(runnable)
    const home = ready[0]!.state.home
    const slurm = this.slurmJob(runnable, options)
    const target = { name, members: membersOf(ready), home, secrets, sizeLimit, workers, variables, slurm }
    return submit(runnable, { ...target, privateFiles, files, setUp }, options)
  }

  /** Returns what `submit` would send with a runnable, and sends nothing. */
  async planContent(
    runnable: Runnable<any, any>,
    options: Pick<SubmitOptions, 'imports' | 'files' | 'projectFolder' | 'needs'> = {},
  ): Promise<readonly ContentPlan[]> {
    await this.#preflight(runnable, options, { isPlan: true })
    const { imports = [] } = options
    const privateFiles = await this.#privateFiles(runnable)
    const files = await runFilesOf(runnable, options, privateFiles)
    const content = { extensions: runnable.importedExtensions, imports, files: files?.part }
    const parts = await collectParts(content, privateFiles)
    checkSize(parts, this.#settings.sizeLimit)
    return parts.map(contentPlanOf)
  }

  /** Returns the run with this id, whichever process started it. */
  attach(id: string): RemoteRun {
    return new RemoteRun(id, this.name, this.orchestrator)
  }

  /** The runs of this cluster, the latest first. */
  async runs(): Promise<readonly RunStatus[]> {
    return (await this.orchestrator.ask('runs', { cluster: this.name })).runs
  }

  async getRemoteEnv(userProvider: UserProvider = this.userProvider): Promise<RemoteEnvironment> {
    const ready = await this.#readyHosts()
    const { state } = ready[0]!
    return remoteEnvironmentOf(this.name, membersOf(ready), { state, localUser: userProvider() })
  }

  getMaxResources(): Promise<Resources> {
    return this.#hosts.getMaxResources()
  }

  runCommands(commands: readonly string[]): Promise<void> {
    return this.#hosts.runCommands(commands)
  }

  createDirs(paths: readonly string[]): Promise<void> {
    return this.#hosts.createDirs(paths)
  }

  removeDir(path: string, options: { readonly contentOnly?: boolean } = {}): Promise<void> {
    return this.#hosts.removeDir(path, options)
  }

  existingDir(path: string): Promise<boolean> {
    return this.#hosts.existingDir(path)
  }

  async sendLocalContent(
    content: Readonly<Record<string, string>>,
    path: string,
    { allHosts = false }: { readonly allHosts?: boolean } = {},
  ): Promise<Record<string, string>> {
    const { home } = (await this.#readyHosts())[0]!.state
    return this.#hosts.sendLocalContent(content, { path, allHosts, home })
  }

  /**
   * Writes the sections of this cluster's own secrets that may be sent to the orchestrator, with mode 0600, where
   * they stay until the next run is over. Returns their path there. `submit` sends the secrets of the runnable by
   * itself.
   */
  async sendSecrets(): Promise<string> {
    const secrets = serializeSecrets(this.config, this.#settings.secrets)
    await this.orchestrator.put(fromHome.cluster(this.name, 'secrets'), JSON.stringify(secrets))
    const [{ state }] = (await this.#readyHosts()) as [InspectedHost]
    return new HostLayout(state.home).cluster(this.name, 'secrets')
  }

  /** Closes all connections; the next call opens new ones. Runs on the cluster continue. */
  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The files that are never sent, whichever package contains them: secrets, keys, and the folders of local hosts. */
  async #privateFiles({ config }: Runnable<any, any>): Promise<PrivateFiles> {
    const secrets = [this.config, config].flatMap(secretsFilesOf)
    const ofHosts = await Promise.all(this.hosts.map((host) => host.privateFiles()))
    return PrivateFiles.of([...secrets, ...ofHosts.flat()])
  }

  get #settings() {
    const { name, setupCmds, secrets, maxSize, workers, env = {} } = this.options
    const lists = { setupCmds: setupCmds ?? [], secrets: secrets ?? [] }
    return { name, ...lists, sizeLimit: sizeLimitOf(maxSize), workers, variables: variableTexts(env) }
  }

  // Only what has needs costs a question to the hosts.
  async #preflight(runnable: Runnable<any, any>, options: SubmitOptions, mode?: CheckMode): Promise<void> {
    if (isClusterRunnable(runnable)) {
      const resources = () => this.workerResources()
      await runnable.preflight?.({ factories: this.workerHosts, resources })
    }
    await this.checkNeeds(runnable, options, mode)
  }

  /** @internal Checks that what the process of a run needs fits on its host. */
  protected async checkNeeds(
    runnable: Runnable<any, any>,
    options: SubmitOptions,
    _mode?: CheckMode,
  ): Promise<void> {
    const own = runNeeds(runnable, options.needs)
    if (own.needs !== noNeeds) await expectFit(own, () => this.#resourcesOf([this.orchestrator]))
  }

  /** @internal What the hosts have that run the tasks of a run; none when they are not known. */
  protected workerResources(): Promise<readonly (Resources & { readonly host: string })[]> {
    const { factories } = this
    return this.#resourcesOf(factories.length === 0 ? [this.orchestrator] : factories)
  }

  // The `env` of the cluster may hide GPUs from its runs and workers.
  #resourcesOf(hosts: readonly AgentHost[]) {
    const { variables } = this.#settings
    return onEveryHost(hosts, async (host) => {
      return { host: `"${host.name}"`, ...(await host.ask('resources', { variables })) }
    })
  }

  get #hosts(): ClusterHosts {
    this.#clusterHosts ??= new ClusterHosts(this.name, this.#all)
    return this.#clusterHosts
  }

  get #all(): Members {
    this.#members ??= this.connect()
    return this.#members
  }

  async #readyHosts(): Promise<readonly InspectedHost[]> {
    if (!this.#ready) await this.up()
    return this.#ready!
  }

  #provision({ signal, onEvent = () => undefined }: ClusterCallOptions, dryRun: boolean) {
    const { orchestrator, factories } = this.#all
    const { name: cluster, setupCmds } = this.#settings
    const members = [orchestrator, ...factories]
    const forRun = this.#submitting > 0
    return provision({ cluster, members, setupCmds, dryRun, forRun, signal, onEvent })
  }
}

/** @internal What a check may do. */
export interface CheckMode {
  /** Whether nothing may change on any host. */
  readonly isPlan: boolean
}

/** The files that a run needs besides code: those of its classes, and those that the options name. */
function runFilesOf(
  runnable: Runnable<any, any>,
  { files = [], projectFolder = currentProject(), registry }: SubmitOptions,
  privateFiles: PrivateFiles,
): Promise<RunFiles | undefined> {
  const named = files.map((pattern) => ({ pattern, origin: '"files" or "--send"' }))
  return collectRunFiles(projectFolder, [...declaredFiles(runnable, registry), ...named], privateFiles)
}

/** The environment of a run; `state` is that of the orchestrator. */
function remoteEnvironmentOf(
  cluster: string,
  { orchestrator, factories }: Members,
  { state, localUser }: { state: HostState; localUser: string },
): RemoteEnvironment {
  const publicFactories = factories.flatMap(({ publicAddress }) => publicAddress ?? [])
  return new RemoteEnvironment({
    key: new HostLayout(state.home).cluster(cluster, 'key'),
    orchestratorIp: orchestrator.address,
    factoriesIps: factories.map(({ address }) => address),
    user: state.user,
    localUser,
    publicOrchestratorIp: orchestrator.publicAddress ?? null,
    publicFactoriesIps:
      publicFactories.length === factories.length && factories.length > 0 ? publicFactories : null,
  })
}
