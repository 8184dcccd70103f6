import { dump } from '../../document/write/dump.js'
import { newRunId } from '../../records/run-id.js'
import type { Registry } from '../../registry/registry.js'
import type { Needs } from '../../runnable/needs.js'
import { pickRunFlags, type RunFlags } from '../../runnable/run-options.js'
import type { Runnable } from '../../runnable/runnable.js'
import { serializeSecrets } from '../../runnable/secrets/serialize-secrets.js'
import { traceCarrier } from '../../tracing/tracing.js'
import type { PrivateFiles } from '../../util/private-files.js'
import { callOf, currentCall } from '../../util/repeat-command.js'
import { type BundleTree, collectParts, modulePaths, readTrees } from '../bundle/bundle.js'
import { ownTree } from '../bundle/own-tree.js'
import type { RunFiles } from '../bundle/run-files.js'
import { checkSize, describeSize, type SizeLimit } from '../bundle/size-limit.js'
import type { AgentHost } from '../host/agent-host.js'
import { onEveryHost } from '../hosts.js'
import type { Members } from '../members.js'
import { fromHome, HostLayout, runFiles } from '../protocol/layout.js'
import type { Request, RunSpecification, WorkFiles } from '../protocol/messages.js'
import type { ClusterCallOptions } from '../provision/events.js'
import { RemoteRun } from './remote-run.js'
import type { Connections, RunProgram, RunSecrets } from './run-folder.js'
import { runNeeds } from './run-needs.js'

/** Options of `Cluster.submit`. */
export interface SubmitOptions extends ClusterCallOptions, RunFlags {
  /**
   * Whether to cancel the active run of the cluster first, and to start before the runs that are queued; `setup` gets the flag as
   * well. With `queue`, nothing is cancelled.
   */
  readonly force?: boolean
  /**
   * Whether to start after the runs of the cluster that are active or queued, in order: `status()` says what the run waits for.
   * Without them it starts at once. The hosts need no connection to this machine for that.
   */
  readonly queue?: boolean
  /** The file name that lists of runs show. */
  readonly file?: string
  /** Modules that register classes of the runnable; the package of each is sent. */
  readonly imports?: readonly (string | URL)[]
  /**
   * Files, folders and patterns that the run needs, besides the `static files` of its classes: it finds them at the same
   * relative paths. `!` at the start of a pattern excludes what it matches.
   */
  readonly files?: readonly string[]
  /**
   * The project: relative `files` start here, and nothing outside of it is sent. By default the nearest folder with a
   * `package.json` at or above the current one.
   */
  readonly projectFolder?: string | undefined
  /** What the process of the run needs of the orchestrator; by default the `static needs` of the class. Its GPUs are its own. */
  readonly needs?: Needs | undefined
  /** @internal The id of the run; a new one when absent. */
  readonly id?: string | undefined
  /** @internal Called before the host is asked to start the run: from then on, it may do so whatever happens here. */
  readonly onAsk?: (() => void) | undefined
  /** The registry whose tags are used to write the runnable; the default registry if absent. */
  readonly registry?: Registry
}

/** The cluster to which a runnable is sent. */
export interface SubmitTarget {
  readonly name: string
  readonly members: Members
  /** The sections of secrets that may be sent. */
  readonly secrets: readonly string[]
  /** The files that are never sent, whichever package contains them. */
  readonly privateFiles: PrivateFiles
  readonly sizeLimit: SizeLimit
  readonly workers: number | undefined
  /** Environment variables of the run. */
  readonly variables: Readonly<Record<string, string>>
  /** The files that the run needs besides code. */
  readonly files: RunFiles | undefined
  /** The home folder of the orchestrator. */
  readonly home: string
  /** Present when Slurm starts the run. */
  readonly slurm: RunSpecification['slurm'] | undefined
  /** Called after the code was sent, with the paths of the extensions on the orchestrator, by name. */
  readonly setUp: (extensions: Readonly<Record<string, string>>) => Promise<void>
}

/** Sends a runnable with its code and secrets, and starts it. */
export async function submit(
  runnable: Runnable<unknown, any>,
  target: SubmitTarget,
  options: SubmitOptions,
): Promise<RemoteRun> {
  const { orchestrator, factories } = target.members
  const { force = false, queue = false, file = runFiles.job, imports = [], signal } = options
  // First, so that mistakes in secrets are reported before anything is sent.
  const secrets = serializeSecrets(runnable.config, target.secrets)
  const content = { extensions: runnable.importedExtensions, imports, files: target.files?.part }
  const parts = await collectParts(content, target.privateFiles)
  checkSize(parts, target.sizeLimit)
  const trees = await readTrees(parts)
  const { hash } = await ownTree({ peers: true })
  const hosts = [orchestrator, ...factories].map(({ host }) => host)
  for (const tree of trees) await sendToAll(hosts, { tree, cluster: target.name, packageHash: hash }, options)
  const extensions = extensionPaths(trees)
  const layout = new HostLayout(target.home)
  const sent = Object.entries(extensions).map(([name, path]) => [name, layout.package(hash, path)])
  await target.setUp({ ...runnable.extensions, ...Object.fromEntries(sent) })
  const work = workFiles(target.files, trees, hash)
  const program: RunProgram = {
    cluster: target.name,
    file,
    flags: pickRunFlags(options),
    localUser: runnable.userProvider(),
    declared: runnable.extensions,
    extensions,
    imports: modulePaths(imports, trees),
    call: currentCall() ?? callOf([]),
    sent: trees.map(sentFolder),
    work,
    trace: await traceCarrier(),
    workers: target.workers,
    variables: target.variables,
    gpus: runNeeds(runnable, options.needs).needs.gpus,
  }
  const connections: Connections = {
    cluster: target.name,
    packageHash: hash,
    factories: factories.map(({ connection }) => connection),
    isAllocation: target.slurm !== undefined,
  }
  const used = [hash, ...trees.map(({ path }) => `${hash}/${path}`)]
  const files = filesOf(runnable, options, { secrets, program, connections })
  const specification = {
    id: options.id ?? newRunId(),
    cluster: target.name,
    file,
    force,
    queue,
    packageHash: hash,
    trees: used,
    files,
    work,
    slurm: target.slurm,
  }
  options.onAsk?.()
  const { id, waitsFor, job, unfinished } = await orchestrator.host.ask('start', specification, signal)
  await retain(hosts, { cluster: target.name, run: id, trees: used, unfinished })
  return new RemoteRun(id, target.name, orchestrator.host, { wasSeen: true, waitsFor, job })
}

/** The paths of the extensions within the package that the run uses, by name. */
function extensionPaths(trees: readonly BundleTree[]): Record<string, string> {
  return Object.fromEntries(
    trees.flatMap(({ extension, path }) => (extension === undefined ? [] : [[extension, path]])),
  )
}

function sentFolder({ path, folder, files }: BundleTree): RunProgram['sent'][number] {
  const compiled = files.flatMap((file) =>
    file.compiledOf === undefined ? [] : [[file.path, file.compiledOf]],
  )
  return { path, folder, sources: Object.fromEntries(compiled) }
}

function workFiles(
  files: RunFiles | undefined,
  trees: readonly BundleTree[],
  packageHash: string,
): WorkFiles | undefined {
  const sent = trees.find(({ isRunFiles }) => isRunFiles)
  return files && sent && { tree: `${packageHash}/${sent.path}`, folder: files.folder }
}

interface SentTree {
  readonly tree: BundleTree
  readonly cluster: string
  readonly packageHash: string
}

async function sendToAll(
  hosts: readonly AgentHost[],
  { tree: { name, path, tree }, cluster, packageHash }: SentTree,
  { signal, onEvent }: SubmitOptions,
): Promise<void> {
  const target = { path: fromHome.package(packageHash, path), fresh: true, cluster }
  await onEveryHost(hosts, async (host) => {
    const sent = await host.send(tree, target, signal)
    if (sent.files > 0)
      onEvent?.({ kind: 'did', host: host.name, what: `sent ${name} (${describeSize(sent)})` })
  })
}

interface RunData {
  readonly secrets: RunSecrets
  readonly program: RunProgram
  readonly connections: Connections
}

/** The text files of the run folder, by name. */
function filesOf(
  runnable: Runnable<unknown, any>,
  { registry }: SubmitOptions,
  { secrets, program, connections }: RunData,
): Record<string, string> {
  const job = dump(runnable, { resolved: true, ...(registry && { registry }) })
  return {
    [runFiles.job]: job,
    [runFiles.content]: runnable.content ?? job,
    [runFiles.secrets]: JSON.stringify(secrets),
    [runFiles.program]: JSON.stringify(program),
    [runFiles.connection]: JSON.stringify(connections),
  }
}

// The run has started: a failure to clean up must not fail it.
async function retain(hosts: readonly AgentHost[], request: Request<'retain'>): Promise<void> {
  await onEveryHost(hosts, (host) => host.ask('retain', request)).catch(() => undefined)
}
