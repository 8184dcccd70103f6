import { createHash } from 'node:crypto'
import { version } from '../../version.js'
import { describeSize, totalBytes } from '../bundle/size-limit.js'
import type { Member } from '../members.js'
import { fromHome } from '../protocol/layout.js'
import type { HostState } from '../protocol/messages.js'
import { authorizedLine } from '../protocol/public-key.js'
import type { Tree } from '../protocol/tree.js'
import { commandFailed } from './errors.js'
import type { ClusterEvent } from './events.js'

/** A cluster to provision. */
export interface ProvisionRequest {
  readonly cluster: string
  readonly members: readonly Member[]
  readonly setupCmds: readonly string[]
  /** Whether hosts get what a run needs, and not only what this package needs. */
  readonly forRun: boolean
  /** Whether to return the steps without running them. */
  readonly dryRun: boolean
  readonly signal: AbortSignal | undefined
  readonly onEvent: (event: ClusterEvent) => void
}

/** A host whose state is known. */
export interface InspectedHost {
  /** Its route is resolved. */
  readonly member: Member
  readonly state: HostState
  /** The public keys that the host has, and those of the host that this machine has. */
  readonly hostKeys: readonly string[]
  /** The steps that are done, or planned in a dry run, in words. */
  readonly steps: readonly string[]
}

/** A host, and everything that decides which steps it needs. */
export interface StepContext extends InspectedHost {
  readonly request: ProvisionRequest
  /** This package. */
  readonly tree: Tree
  /** The key of the cluster: empty before it is created, absent if the orchestrator could not be inspected. */
  readonly publicKey: string | undefined
  readonly knownHosts: string
}

/** Something that a host may need before a run. */
interface Step {
  isNeeded(context: StepContext): boolean
  /** The step in words, for a dry run. */
  planned(context: StepContext): string
  /** Runs the step; returns what was done, in words. */
  run(context: StepContext): Promise<string>
}

const setUp: Step = {
  isNeeded: ({ state }) => !state.setUp,
  planned: ({ request }) => `run ${describeCommands(request.setupCmds)}`,
  async run({ request: { cluster, setupCmds, signal }, member: { host } }) {
    const commands = { cluster, commands: setupCmds, hash: hashCommands(setupCmds) }
    const { failed } = await host.ask('setUp', commands, signal)
    if (failed) throw commandFailed(host.name, failed)
    return `ran ${describeCommands(setupCmds)}`
  },
}

const sendPackage: Step = {
  isNeeded: ({ state }) => state.missing.length > 0,
  planned: ({ tree: { files } }) =>
    `send flambeau ${version} (at most ${describeSize({ files: files.length, bytes: totalBytes(files) })})`,
  async run({ request, member: { host }, tree }) {
    const target = { path: fromHome.package(tree.hash), fresh: true }
    const sent = await host.send(tree, target, request.signal)
    return `sent flambeau ${version} (${describeSize(sent)})`
  },
}

/** The step of a worker that did not have the key of the orchestrator. */
export const letOrchestratorIn = 'let the orchestrator in'

const authorizeOrchestrator: Step = {
  isNeeded: ({ member, state, publicKey }) =>
    member.role === 'factory' &&
    publicKey !== undefined &&
    state.authorized.join('\n') !== authorizedLine(publicKey),
  planned: () => letOrchestratorIn,
  async run({ request: { cluster, signal }, member: { host }, publicKey = '' }) {
    await host.ask('authorize', { cluster, publicKey }, signal)
    return letOrchestratorIn
  },
}

const sendKnownHosts: Step = {
  isNeeded: ({ member, state, knownHosts }) =>
    member.role === 'orchestrator' && knownHosts !== state.knownHosts,
  planned: () => 'send it the host keys of its workers',
  async run({ request: { cluster, signal }, member: { host }, knownHosts }) {
    await host.ask('setKnownHosts', { cluster, knownHosts }, signal)
    return 'sent it the host keys of its workers'
  },
}

const allSteps: readonly Step[] = [setUp, sendPackage, authorizeOrchestrator, sendKnownHosts]

/** Runs the steps that a host needs, or plans them in a dry run. */
export async function runSteps(context: StepContext): Promise<InspectedHost> {
  const { request, member, state, hostKeys } = context
  const { dryRun, onEvent } = request
  const host = member.host.name
  const steps = [...context.steps]
  for (const step of allSteps.filter((each) => each.isNeeded(context))) {
    const what = dryRun ? step.planned(context) : await step.run(context)
    steps.push(what)
    if (!dryRun) onEvent({ kind: 'did', host, what })
  }
  // The orchestrator is ready only after it has connected to its workers.
  if (member.role === 'factory' && !dryRun) onEvent({ kind: 'ready', host })
  return { member, state, hostKeys, steps }
}

/** Setup commands, in words. */
export function describeCommands({ length }: readonly string[]): string {
  return `${length} setup ${length === 1 ? 'command' : 'commands'}`
}

/** The hash of setup commands, which run again when it changes. */
export function hashCommands(commands: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(commands)).digest('hex')
}
