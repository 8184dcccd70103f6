import { randomBytes } from 'node:crypto'
import { posix } from 'node:path'
import { dump } from '../../document/write/dump.js'
import type { Registry } from '../../registry/registry.js'
import { pickRunFlags, type RunFlags } from '../../runnable/run-options.js'
import type { Runnable } from '../../runnable/runnable.js'
import { serializeSecrets } from '../../runnable/secrets/serialize-secrets.js'
import { type BundleTree, collectParts, modulePaths, readTrees } from '../bundle/bundle.js'
import { ownTree } from '../bundle/package-files.js'
import type { PrivateFiles } from '../bundle/private-files.js'
import { checkSize } from '../bundle/size-limit.js'
import type { AgentHost } from '../host/agent-host.js'
import type { SendTarget } from '../host/tree-transfer.js'
import { onEveryHost } from '../hosts.js'
import type { Members } from '../members.js'
import type { Request } from '../protocol/messages.js'
import type { ClusterCallOptions } from '../provision/events.js'
import { describeSent, packagePath } from '../provision/steps.js'
import { RemoteRun } from './remote-run.js'
import type { Connections, RunProgram } from './run-folder.js'

/** How a runnable is sent to a cluster. */
export interface SubmitOptions extends ClusterCallOptions, RunFlags {
  /** Cancel what runs in the cluster, and run this; it is told of it, too. */
  readonly force?: boolean
  /** What lists of runs call it: the name of its file. */
  readonly file?: string
  /** Modules that register classes of the runnable; the package of each goes along. */
  readonly imports?: readonly (string | URL)[]
  /** Whose tags the runnable is written with; the default registry when absent. */
  readonly registry?: Registry
}

/** The cluster that a runnable is sent to. */
export interface SubmitTarget {
  readonly name: string
  readonly members: Members
  /** The sections of secrets that may leave this machine. */
  readonly secrets: readonly string[]
  /** What stays here whatever package it lies in. */
  readonly privateFiles: PrivateFiles
  readonly maxSize: string | number | undefined
  /** The home folder of the orchestrator. */
  readonly home: string
  /** Called when all that goes along is there: with the paths of the extensions on the orchestrator, by name. */
  readonly setUp: (extensions: Readonly<Record<string, string>>) => Promise<void>
}

/** Sends a runnable, as it is now, with all that it needs, and starts it. */
export async function submit(
  runnable: Runnable<unknown, any>,
  to: SubmitTarget,
  options: SubmitOptions,
): Promise<RemoteRun> {
  const { orchestrator, factories } = to.members
  // First of all: what is wrong with them is known here, before anything is sent.
  const secrets = secretsOf(runnable, to)
  const { imports = [] } = options
  const shipments = await collectParts({ extensions: runnable.importedExtensions, imports }, to.privateFiles)
  checkSize(shipments, to.maxSize)
  const trees = await readTrees(shipments)
  const hosts = [orchestrator, ...factories].map(({ host }) => host)
  const { hash } = await ownTree()
  for (const tree of trees) {
    const target = { path: `${packagePath(hash)}/${tree.place}`, fresh: true, cluster: to.name }
    await sendToAll(hosts, { tree, target }, options)
  }
  const extensions = extensionsOf(trees)
  const there = Object.entries(extensions).map(([name, place]) => [
    name,
    posix.join(to.home, packagePath(hash), place),
  ])
  await to.setUp({ ...runnable.extensions, ...Object.fromEntries(there) })
  const { force = false, file = 'job.yaml', signal } = options
  const program: RunProgram = {
    cluster: to.name,
    file,
    flags: pickRunFlags(options),
    localUser: runnable.userProvider(),
    declared: runnable.extensions,
    extensions,
    imports: modulePaths(imports, trees),
  }
  const files = {
    ...textOf(runnable, options),
    ...secrets,
    ...asJson('program.json', program),
  }
  const connections: Connections = {
    cluster: to.name,
    packageHash: hash,
    factories: factories.map((f) => f.connection),
  }
  const specification = { id: newId(), cluster: to.name, file, force, packageHash: hash }
  const all = { ...files, ...asJson('connection.json', connections) }
  const { id } = await orchestrator.host.ask('start', { ...specification, files: all }, signal)
  await retain(hosts, { cluster: to.name, trees: [hash, ...trees.map(({ place }) => `${hash}/${place}`)] })
  return new RemoteRun(id, to.name, orchestrator.host, true)
}

/** Where the extensions lie within the package that the run uses, by name. */
function extensionsOf(trees: readonly BundleTree[]): Record<string, string> {
  return Object.fromEntries(
    trees.flatMap(({ extension, place }) => (extension === undefined ? [] : [[extension, place]])),
  )
}

// The run goes on whether there is room for the next or not.
async function retain(hosts: readonly AgentHost[], ask: Request<'retain'>): Promise<void> {
  await onEveryHost(hosts, (host) => host.ask('retain', ask)).catch(() => undefined)
}

async function sendToAll(
  hosts: readonly AgentHost[],
  { tree: { name, tree }, target }: { readonly tree: BundleTree; readonly target: SendTarget },
  options: SubmitOptions,
) {
  await onEveryHost(hosts, async (host) => {
    const sent = await host.send(tree, target, options.signal)
    if (sent.files > 0)
      options.onEvent?.({ kind: 'did', host: host.name, what: `sent ${name} (${describeSent(sent)})` })
  })
}

function textOf(runnable: Runnable<unknown, any>, { registry }: SubmitOptions): Record<string, string> {
  const job = dump(runnable, registry ? { registry } : {})
  return { 'job.yaml': job, 'content.yaml': runnable.content ?? job }
}

function secretsOf(runnable: Runnable<unknown, any>, { secrets }: SubmitTarget): Record<string, string> {
  return asJson('secrets.json', serializeSecrets(runnable.config, secrets))
}

function asJson(name: string, value: unknown): Record<string, string> {
  return { [name]: JSON.stringify(value) }
}

// Sorts by time; the rest tells apart what begins in the same second.
function newId(): string {
  const now = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  return `${now}-${randomBytes(2).toString('hex')}`
}
