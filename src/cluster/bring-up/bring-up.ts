import { ClusterError, type HostFinding } from '../../errors.js'
import { mapLimited } from '../../util/concurrency.js'
import type { AgentHost } from '../host/agent-host.js'
import { type Member, mostAtOnce } from '../members.js'
import { ownTree } from '../ship/package-tree.js'
import type { HostPlan } from './events.js'
import { checkState, notReady } from './findings.js'
import { knownHostsOf } from './known-hosts.js'
import { type BringUpPlan, commandsInWords, hashOfCommands, type ReadyHost, type SeenHost } from './plan.js'
import { type Preparation, prepare, wouldPrepare } from './prepare.js'
import { type Reached, reachFactories, wouldReach } from './reach.js'
import { setUpWithoutNode } from './without-node.js'

/**
 * Makes every host of a cluster ready: looks at all of them, then sends each what it lacks. At one that is ready it
 * looks once, and that is all.
 *
 * @throws `ClusterError` with what is wrong with each host that cannot be made ready; the others are.
 */
export async function bringUp(plan: BringUpPlan): Promise<ReadyHost[]> {
  const looks = await lookAtAll(plan, true)
  const preparations = await preparationsOf(plan, looks)
  const prepared = await mapLimited(preparations, mostAtOnce, (preparation) =>
    attempt(plan, preparation.member, () => prepare(preparation)),
  )
  const ready = prepared.filter((result) => 'report' in result)
  const { did, findings } = await reach(plan, ready)
  refuseFailed([...looks, ...prepared, ...findings.map((finding) => ({ finding }))], plan.members.length)
  return ready.map((host) => (did !== undefined && isOrchestrator(host) ? alsoDid(host, did) : host))
}

// The last thing of all: only now has the orchestrator its key, and does each factory let it in.
async function reach(plan: BringUpPlan, ready: readonly ReadyHost[]): Promise<Reached> {
  const orchestrator = ready.find(isOrchestrator)
  if (!orchestrator) return { findings: [] }
  const { host } = orchestrator.member
  const reached = await attempt(plan, orchestrator.member, () => reachFactories(plan, orchestrator, ready))
  if ('finding' in reached) return { findings: [reached.finding] }
  for (const finding of reached.findings) plan.onEvent?.({ kind: 'failed', ...finding })
  if (reached.did !== undefined) plan.onEvent?.({ kind: 'did', host: host.name, what: reached.did })
  if (reached.findings.length === 0) plan.onEvent?.({ kind: 'ready', host: host.name })
  return reached
}

function isOrchestrator({ member }: SeenHost): boolean {
  return member.role === 'orchestrator'
}

function alsoDid(host: ReadyHost, what: string): ReadyHost {
  const did = [...host.did, what]
  return { ...host, did, report: { ...host.report, did } }
}

/** What {@link bringUp} would do; makes nothing. */
export async function planBringUp(plan: BringUpPlan): Promise<HostPlan[]> {
  const looks = await lookAtAll(plan, false)
  refuseFailed(looks, plan.members.length)
  const preparations = await preparationsOf(plan, looks)
  return preparations.map((preparation) => ({
    host: preparation.member.host.name,
    role: preparation.member.role,
    would: [...wouldPrepare(preparation), ...wouldReach(plan, preparation, preparations)],
  }))
}

/** What is wrong with a host. */
interface Failed {
  readonly finding: HostFinding
}

function lookAtAll(plan: BringUpPlan, make: boolean): Promise<(SeenHost | Failed)[]> {
  return mapLimited(plan.members, mostAtOnce, (member) =>
    attempt(plan, member, () => look(plan, member, make)),
  )
}

async function preparationsOf(
  plan: BringUpPlan,
  looks: readonly (SeenHost | Failed)[],
): Promise<Preparation[]> {
  const seen = looks.filter((result) => 'state' in result)
  const orchestrator = seen.find(({ member }) => member.role === 'orchestrator')
  const publicKey = orchestrator && (orchestrator.state.publicKey ?? '')
  const common = { plan, tree: await ownTree(), publicKey, knownHosts: knownHostsOf(seen) }
  return seen.map((host) => ({ ...common, ...host }))
}

function refuseFailed(results: readonly (object | Failed)[], hosts: number): void {
  const findings = results.flatMap((result) => ('finding' in result ? [result.finding] : []))
  if (findings.length > 0) throw notReady(findings, hosts)
}

async function attempt<T>(plan: BringUpPlan, { host }: Member, work: () => Promise<T>): Promise<T | Failed> {
  try {
    return await work()
  } catch (error) {
    if (plan.signal?.aborted || !(error instanceof ClusterError)) throw error
    plan.onEvent?.({ kind: 'failed', host: host.name, message: error.message })
    return { finding: { host: host.name, code: error.code, message: error.message } }
  }
}

async function look(plan: BringUpPlan, member: Member, make: boolean): Promise<SeenHost> {
  const { cluster, setupCmds, signal, onEvent } = plan
  const { host, role } = member
  const tree = await ownTree()
  const setup = setupCmds.length === 0 ? {} : { setup: hashOfCommands(setupCmds) }
  const ask = { cluster, trees: [tree.hash], makeKey: make && role === 'orchestrator', ...setup }
  const did: string[] = []
  const inspected = host.ask('inspect', ask, signal).catch(async (error: ClusterError) => {
    // The setup commands may be what installs Node.
    if (!make || error.code !== 'HOST_NO_NODE' || setupCmds.length === 0) throw error
    did.push(await setUpFirst(plan, host))
    return host.ask('inspect', ask, signal)
  })
  const [state, route] = await Promise.all([inspected, member.resolve?.()])
  checkState(host.name, state, tree)
  const known = role === 'factory' ? await host.knownKeys?.() : undefined
  onEvent?.({ kind: 'connected', host: host.name })
  const hostKeys = [...new Set([...state.hostKeys, ...(known ?? [])])].sort()
  return { member: { ...member, ...route }, state, hostKeys, did }
}

async function setUpFirst({ cluster, setupCmds, signal, onEvent }: BringUpPlan, host: AgentHost) {
  await setUpWithoutNode(host, setupCmds, signal)
  await host.ask('setUp', { cluster, commands: [], hash: hashOfCommands(setupCmds) }, signal)
  const what = `ran ${commandsInWords(setupCmds)}`
  onEvent?.({ kind: 'did', host: host.name, what })
  return what
}
