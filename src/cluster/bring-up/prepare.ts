import { version } from '../../version.js'
import type { Sent } from '../host/host.js'
import { authorizedLine } from '../wire/authorized-line.js'
import type { Tree } from '../wire/tree-of.js'
import { commandFailed, megabytes } from './findings.js'
import { type BringUpPlan, commandsInWords, hashOfCommands, type ReadyHost, type SeenHost } from './plan.js'

/** All that decides what a host lacks. */
export interface Preparation extends SeenHost {
  readonly plan: BringUpPlan
  /** This package. */
  readonly tree: Tree
  /** The cluster's key: empty before it is made, absent when the orchestrator could not be looked at. */
  readonly publicKey: string | undefined
  readonly knownHosts: string
}

/** Something that a host may lack. */
interface Step {
  lacks(preparation: Preparation): boolean
  /** What would be done, in words. */
  would(preparation: Preparation): string
  /** Does it, and says what was done. */
  act(preparation: Preparation): Promise<string>
}

const setUp: Step = {
  lacks: ({ state }) => !state.setUp,
  would: ({ plan }) => `run ${commandsInWords(plan.setupCmds)}`,
  async act({ plan, member: { host } }) {
    const { cluster, setupCmds, signal } = plan
    const ask = { cluster, commands: setupCmds, hash: hashOfCommands(setupCmds) }
    const { failed } = await host.ask('setUp', ask, signal)
    if (failed) throw commandFailed(host.name, failed)
    return `ran ${commandsInWords(setupCmds)}`
  },
}

const sendPackage: Step = {
  lacks: ({ state }) => state.missing.length > 0,
  would: ({ tree }) => `send flambeau ${version} (at most ${inWords(sizeOf(tree))})`,
  async act({ plan, member: { host }, tree }) {
    const sent = await host.send(tree, { path: packagePath(tree.hash), fresh: true }, plan.signal)
    return `sent flambeau ${version} (${inWords(sent)})`
  },
}

/** What was done on a factory that knew no key of the orchestrator, or another one. */
export const letIn = 'let the orchestrator in'

const letOrchestratorIn: Step = {
  lacks: ({ member, state, publicKey }) =>
    member.role === 'factory' &&
    publicKey !== undefined &&
    state.authorized.join('\n') !== authorizedLine(publicKey),
  would: () => letIn,
  async act({ plan, member: { host }, publicKey = '' }) {
    await host.ask('authorize', { cluster: plan.cluster, publicKey }, plan.signal)
    return letIn
  },
}

const introduceFactories: Step = {
  lacks: ({ member, state, knownHosts }) => member.role === 'orchestrator' && knownHosts !== state.knownHosts,
  would: () => 'tell it the keys of its factories',
  async act({ plan, member: { host }, knownHosts }) {
    await host.ask('know', { cluster: plan.cluster, knownHosts }, plan.signal)
    return 'told it the keys of its factories'
  },
}

const steps: readonly Step[] = [setUp, sendPackage, letOrchestratorIn, introduceFactories]

/** What {@link prepare} would do, in words. */
export function wouldPrepare(preparation: Preparation): string[] {
  return steps.filter((step) => step.lacks(preparation)).map((step) => step.would(preparation))
}

/** Gives a host what it lacks, and nothing else. */
export async function prepare(preparation: Preparation): Promise<ReadyHost> {
  const { plan, member, state, hostKeys } = preparation
  const host = member.host.name
  const did = [...preparation.did]
  for (const step of steps.filter((each) => each.lacks(preparation))) {
    const what = await step.act(preparation)
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
export function inWords({ files, bytes }: Sent): string {
  return `${files} ${files === 1 ? 'file' : 'files'}, ${megabytes(bytes)}`
}

function sizeOf({ files }: Tree): Sent {
  return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) }
}
