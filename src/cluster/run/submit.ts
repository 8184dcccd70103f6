import { randomBytes } from 'node:crypto'
import { dump } from '../../document/write/dump.js'
import type { Registry } from '../../registry/registry.js'
import { pickRunFlags, type RunFlags } from '../../runnable/run-options.js'
import type { Runnable } from '../../runnable/runnable.js'
import { secretsFileOf, shareSecrets } from '../../runnable/secrets/shared-secrets.js'
import type { ClusterCallOptions } from '../bring-up/events.js'
import { inWords, packagePath } from '../bring-up/prepare.js'
import type { AgentHost } from '../host/agent-host.js'
import type { Members } from '../members.js'
import { onEveryHost } from '../on-every-host.js'
import { ownTree } from '../ship/package-tree.js'
import { extensionTrees, importTrees, type ShippedTree } from '../ship/program-trees.js'
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
export interface Destination {
  readonly name: string
  readonly members: Members
  /** The sections of secrets that may leave this machine. */
  readonly secrets: readonly string[]
  /** Files that hold its own secrets, and stay here whatever folder they lie in. */
  readonly secretFiles: readonly string[]
}

/** Sends a runnable, as it is now, with all that it needs, and starts it. */
export async function submit(
  runnable: Runnable<unknown, any>,
  to: Destination,
  options: SubmitOptions,
): Promise<RemoteRun> {
  const { orchestrator, factories } = to.members
  // First of all: what is wrong with them is known here, before anything is sent.
  const secrets = secretsOf(runnable, to)
  const kept = [...to.secretFiles, secretsFileOf(runnable.config) ?? []].flat()
  const extensions = await extensionTrees(runnable.importedExtensions, kept)
  const { trees, imports } = await importTrees(options.imports ?? [], kept)
  const hosts = [orchestrator, ...factories].map(({ host }) => host)
  const { hash } = await ownTree()
  for (const tree of [...extensions, ...trees])
    await sendToAll(hosts, tree, `${packagePath(hash)}/${tree.place}`, options)
  const { force = false, file = 'job.yaml', signal } = options
  const program: RunProgram = {
    cluster: to.name,
    file,
    flags: pickRunFlags(options),
    localUser: runnable.userProvider(),
    declared: runnable.extensions,
    extensions: Object.fromEntries(extensions.map(({ extension, place }) => [extension, place])),
    imports,
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
  return new RemoteRun(id, to.name, orchestrator.host, true)
}

async function sendToAll(
  hosts: readonly AgentHost[],
  { name, tree }: ShippedTree,
  path: string,
  options: SubmitOptions,
) {
  await onEveryHost(hosts, async (host) => {
    const sent = await host.send(tree, { path, fresh: true }, options.signal)
    if (sent.files > 0)
      options.onEvent?.({ kind: 'did', host: host.name, what: `sent ${name} (${inWords(sent)})` })
  })
}

function textOf(runnable: Runnable<unknown, any>, { registry }: SubmitOptions): Record<string, string> {
  const job = dump(runnable, registry ? { registry } : {})
  return { 'job.yaml': job, 'content.yaml': runnable.content ?? job }
}

function secretsOf(runnable: Runnable<unknown, any>, { secrets }: Destination): Record<string, string> {
  return asJson('secrets.json', shareSecrets(runnable.config, secrets))
}

function asJson(name: string, value: unknown): Record<string, string> {
  return { [name]: JSON.stringify(value) }
}

// Sorts by time; the rest tells apart what begins in the same second.
function newId(): string {
  const now = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)
  return `${now}-${randomBytes(2).toString('hex')}`
}
