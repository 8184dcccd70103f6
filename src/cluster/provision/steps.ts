import { createHash } from 'node:crypto'
import { version } from '../../version.js'
import type { Sent } from '../host/host.js'
import type { Member } from '../members.js'
import type { HostState } from '../protocol/messages.js'
import { authorizedLine } from '../protocol/public-key.js'
import type { Tree } from '../protocol/tree.js'
import { commandFailed, megabytes } from './errors.js'
import type { ClusterCallOptions, HostReport } from './events.js'

/** All that decides what a host lacks. */
export interface StepContext extends InspectedHost {
  readonly plan: ProvisionRequest
  /** This package. */
  readonly tree: Tree
  /** The cluster's key: empty before it is made, absent when the orchestrator could not be looked at. */
  readonly publicKey: string | undefined
  readonly knownHosts: string
}

/** Something that a host may lack. */
interface Step {
  isNeeded(preparation: StepContext): boolean
  /** What would be done, in words. */
  planned(preparation: StepContext): string
  /** Does it, and says what was done. */
  run(preparation: StepContext): Promise<string>
}

const setUp: Step = {
  isNeeded: ({ state }) => !state.setUp,
  planned: ({ plan }) => `run ${describeCommands(plan.setupCmds)}`,
  async run({ plan, member: { host } }) {
    const { cluster, setupCmds, signal } = plan
    const ask = { cluster, commands: setupCmds, hash: hashCommands(setupCmds) }
    const { failed } = await host.ask('setUp', ask, signal)
    if (failed) throw commandFailed(host.name, failed)
    return `ran ${describeCommands(setupCmds)}`
  },
}

const sendPackage: Step = {
  isNeeded: ({ state }) => state.missing.length > 0,
  planned: ({ tree }) => `send flambeau ${version} (at most ${describeSent(sizeOf(tree))})`,
  async run({ plan, member: { host }, tree }) {
    const sent = await host.send(tree, { path: packagePath(tree.hash), fresh: true }, plan.signal)
    return `sent flambeau ${version} (${describeSent(sent)})`
  },
}

/** What was done on a factory that knew no key of the orchestrator, or another one. */
export const authorizedOrchestrator = 'let the orchestrator in'

const authorizeOrchestrator: Step = {
  isNeeded: ({ member, state, publicKey }) =>
    member.role === 'factory' &&
    publicKey !== undefined &&
    state.authorized.join('\n') !== authorizedLine(publicKey),
  planned: () => authorizedOrchestrator,
  async run({ plan, member: { host }, publicKey = '' }) {
    await host.ask('authorize', { cluster: plan.cluster, publicKey }, plan.signal)
    return authorizedOrchestrator
  },
}

const sendKnownHosts: Step = {
  isNeeded: ({ member, state, knownHosts }) =>
    member.role === 'orchestrator' && knownHosts !== state.knownHosts,
  planned: () => 'tell it the keys of its factories',
  async run({ plan, member: { host }, knownHosts }) {
    await host.ask('know', { cluster: plan.cluster, knownHosts }, plan.signal)
    return 'told it the keys of its factories'
  },
}

const steps: readonly Step[] = [setUp, sendPackage, authorizeOrchestrator, sendKnownHosts]

/** What {@link runSteps} would do, in words. */
export function plannedSteps(preparation: StepContext): string[] {
  return steps.filter((step) => step.isNeeded(preparation)).map((step) => step.planned(preparation))
}

/** Gives a host what it lacks, and nothing else. */
export async function runSteps(preparation: StepContext): Promise<ReadyHost> {
  const { plan, member, state, hostKeys } = preparation
  const host = member.host.name
  const did = [...preparation.did]
  for (const step of steps.filter((each) => each.isNeeded(preparation))) {
    const what = await step.run(preparation)
    did.push(what)
    plan.onEvent?.({ kind: 'did', host, what })
  }
  // The orchestrator is ready when it has reached the others.
  if (member.role === 'factory') plan.onEvent?.({ kind: 'ready', host })
  return { member, state, hostKeys, did, report: { host, role: member.role, did } }
}

/** Where a package lies on a host, from the home folder. */
export function packagePath(hash: string): string {
  return `.flambeau/packages/${hash}`
}

/** What was sent, in words. */
export function describeSent({ files, bytes }: Sent): string {
  return `${files} ${files === 1 ? 'file' : 'files'}, ${megabytes(bytes)}`
}

function sizeOf({ files }: Tree): Sent {
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) }
}

/** What bringing up needs to know of a cluster. */
export interface ProvisionRequest extends ClusterCallOptions {
  readonly cluster: string
  readonly members: readonly Member[]
  readonly setupCmds: readonly string[]
}

/** A host that was looked at. */
export interface InspectedHost {
  /** With the route as the others have it. */
  readonly member: Member
  readonly state: HostState
  /** Its public keys: those that it has, and those by which this machine knows it. */
  readonly hostKeys: readonly string[]
  /** What was done already, in words, before it could be looked at. */
  readonly did: readonly string[]
}

/** A host that is ready, as it was when it was looked at. */
export interface ReadyHost extends InspectedHost {
  readonly report: HostReport
}

/** Setup commands, in words. */
export function describeCommands({ length }: readonly string[]): string {
  return `${length} setup ${length === 1 ? 'command' : 'commands'}`
}

/** The hash of setup commands: they run again when they change. */
export function hashCommands(commands: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(commands)).digest('hex')
}
