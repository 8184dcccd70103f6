import { posix } from 'node:path'
import type { RunOptions } from '../runnable/run-options.js'
import { Runnable, type UserProvider } from '../runnable/runnable.js'
import { secretsFilesOf, serializeSecrets } from '../runnable/secrets/serialize-secrets.js'
import { defaultGraceMs } from '../util/process.js'
import { collectParts } from './bundle/bundle.js'
import { PrivateFiles } from './bundle/private-files.js'
import { type ContentPlan, checkSize, contentPlanOf } from './bundle/size-limit.js'
import { type ClusterAccess, isClusterRunnable } from './cluster-runnable.js'
import type { AgentHost } from './host/agent-host.js'
import { ClusterHosts, removeCluster } from './hosts.js'
import { type Members, membersOf } from './members.js'
import type { HostState, Resources, RunStatus } from './protocol/messages.js'
import type { ClusterCallOptions, HostPlan, HostReport } from './provision/events.js'
import { planProvision, provision } from './provision/provision.js'
import type { ProvisionRequest, ReadyHost } from './provision/steps.js'
import { RemoteEnvironment } from './remote-environment.js'
import { RemoteRun } from './run/remote-run.js'
import { type SubmitOptions, submit } from './run/submit.js'

/** What every cluster says of itself in its file. */
export interface ClusterOptions {
  /** Tells this cluster from others on the same hosts. */
  readonly name: string
  /** Shell commands that prepare a host; they run once on each, and again when they change. */
  readonly setupCmds?: readonly string[] | null | undefined
  /** The sections of secrets that may leave this machine; none when absent. */
  readonly secrets?: readonly string[] | null | undefined
  /** What may go to each host with a run, such as `2 GB`; 100 MB and 10,000 files when absent. */
  readonly maxSize?: string | number | undefined
}

/**
 * Machines that work together: one runs the runnable, the others do its tasks. Extend it for another kind of machine,
 * and say in `connect` how each is reached.
 *
 * ```ts
 * const cluster = await loadFile('cluster.yaml', { expect: SSHCluster })
 * const run = await cluster.submit(runnable)
 * const { exitCode } = await run.wait()
 * await cluster.close()
 * ```
 *
 * Every call throws a `ClusterError` when a host cannot do its part; `findings` has what is wrong with which.
 */
export abstract class Cluster extends Runnable<readonly HostReport[]> implements ClusterAccess {
  abstract readonly options: ClusterOptions
  #members: Members | undefined
  #ready: readonly ReadyHost[] | undefined

  /** Who is in the cluster, and how each is reached; asked once, and connects to nothing yet. */
  protected abstract connect(): Members

  get name(): string {
    return this.options.name
  }

  get orchestrator(): AgentHost {
    return this.#all.orchestrator.host
  }

  get factories(): readonly AgentHost[] {
    return this.#all.factories.map(({ host }) => host)
  }

  /** The orchestrator, then the factories. */
  get hosts(): readonly AgentHost[] {
    return this.#hosts.all
  }

  /** Brings the cluster up, and logs what it did on which host. */
  override run({ signal, logger }: RunOptions): Promise<readonly HostReport[]> {
    return this.up({
      signal,
      onEvent: (event) => {
        if (event.kind === 'did') logger.info(`${event.host}: ${event.what}`)
      },
    })
  }

  /**
   * Makes every host ready: runs the setup commands, sends this package, gives the orchestrator the key to its
   * factories. Again and again without harm: what is there already is not done again.
   */
  async up(options: ClusterCallOptions = {}): Promise<readonly HostReport[]> {
    this.#ready = await provision(this.#plan(options))
    return this.#ready.map(({ report }) => report)
  }

  /** What `up` would do on which host; does nothing. */
  plan(options: ClusterCallOptions = {}): Promise<readonly HostPlan[]> {
    return planProvision(this.#plan(options))
  }

  /** Removes all that was put on the hosts for this cluster; refused while a run is under way, unless `force`. */
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
   * Brings the cluster up, sends the code, lets a `ClusterRunnable` set itself up, sends it as it is then, and starts it.
   * It goes on when this process ends.
   *
   * @throws `ClusterError` with code `RUN_ACTIVE` while another run is under way, unless `force`.
   */
  async submit(runnable: Runnable<any, any>, options: SubmitOptions = {}): Promise<RemoteRun> {
    if (isClusterRunnable(runnable)) await runnable.preflight?.({ factories: this.factories.length })
    await this.up(options)
    const { force = false } = options
    const setUp = async (extensions: Readonly<Record<string, string>>): Promise<void> => {
      if (isClusterRunnable(runnable)) await runnable.setupInjectEnv({ cluster: this, extensions, force })
    }
    const { name, options: own } = this
    const ready = await this.#readyHosts()
    const privateFiles = await this.#privateFiles(runnable)
    const { secrets, maxSize } = own
    const to = { name, members: membersOf(ready), home: ready[0]!.state.home, secrets: secrets ?? [] }
    return submit(runnable, { ...to, privateFiles, maxSize, setUp }, options)
  }

  /** What `submit` would send along with a runnable; sends nothing. */
  async planContent(
    runnable: Runnable<any, any>,
    { imports = [] }: Pick<SubmitOptions, 'imports'> = {},
  ): Promise<readonly ContentPlan[]> {
    if (isClusterRunnable(runnable)) await runnable.preflight?.({ factories: this.factories.length })
    const content = { extensions: runnable.importedExtensions, imports }
    const shipments = await collectParts(content, await this.#privateFiles(runnable))
    checkSize(shipments, this.options.maxSize)
    return shipments.map(contentPlanOf)
  }

  /** A run by its id, started by whichever process. */
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
   * Puts the sections of this cluster's own secrets that may leave this machine on the orchestrator, mode 0600, until
   * the next run is over, and answers with the path there. A runnable that is submitted has its own with it.
   */
  async sendSecrets(): Promise<string> {
    const path = `.flambeau/clusters/${this.name}/secrets.json`
    await this.orchestrator.put(
      path,
      JSON.stringify(serializeSecrets(this.config, this.options.secrets ?? [])),
    )
    return posix.join((await this.#readyHosts())[0]!.state.home, path)
  }

  /** Ends all connections; the next call makes new ones. What runs on the cluster goes on. */
  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The secrets, the keys and what hosts are made of: they stay here, whatever package they lie in. */
  async #privateFiles({ config }: Runnable<any, any>): Promise<PrivateFiles> {
    const secrets = [this.config, config].flatMap(secretsFilesOf)
    const ofHosts = await Promise.all(this.hosts.map((host) => host.privateFiles()))
    return PrivateFiles.of([...secrets, ...ofHosts.flat()])
  }

  get #hosts(): ClusterHosts {
    return new ClusterHosts(this.name, this.#all)
  }

  get #all(): Members {
    this.#members ??= this.connect()
    return this.#members
  }

  async #readyHosts(): Promise<readonly ReadyHost[]> {
    if (!this.#ready) await this.up()
    return this.#ready!
  }

  #plan(options: ClusterCallOptions): ProvisionRequest {
    const { orchestrator, factories } = this.#all
    const { name: cluster, setupCmds } = this.options
    return { cluster, members: [orchestrator, ...factories], setupCmds: setupCmds ?? [], ...options }
  }
}

/** What a run on a cluster is told of it. `state` is the orchestrator's. */
function remoteEnvironmentOf(
  cluster: string,
  { orchestrator, factories }: Members,
  { state, localUser }: { state: HostState; localUser: string },
): RemoteEnvironment {
  const publicFactories = factories.flatMap(({ publicAddress }) => publicAddress ?? [])
  return new RemoteEnvironment({
    key: `${state.home}/.flambeau/clusters/${cluster}/key`,
    orchestratorIp: orchestrator.address,
    factoriesIps: factories.map(({ address }) => address),
    user: state.user,
    localUser,
    publicOrchestratorIp: orchestrator.publicAddress ?? null,
    publicFactoriesIps:
      publicFactories.length === factories.length && factories.length > 0 ? publicFactories : null,
  })
}
