import type { ChildProcess } from 'node:child_process'
import { ClusterError, type HostFinding } from '../../errors.js'
import { mapLimited } from '../../util/concurrency.js'
import { ownTree } from '../bundle/package-files.js'
import { SessionEnded } from '../host/agent-errors.js'
import type { AgentHost } from '../host/agent-host.js'
import { type Member, maxConcurrentHosts } from '../members.js'
import { checkState, commandFailed, notReady } from './errors.js'
import type { HostPlan } from './events.js'
import {
  type ConnectionReport,
  knownHostsOf,
  plannedConnections,
  testFactoryConnections,
} from './factory-connections.js'
import {
  describeCommands,
  hashCommands,
  type InspectedHost,
  type ProvisionRequest,
  plannedSteps,
  type ReadyHost,
  runSteps,
  type StepContext,
} from './steps.js'

/**
 * Makes every host of a cluster ready: looks at all of them, then sends each what it lacks. At one that is ready it
 * looks once, and that is all.
 *
 * @throws `ClusterError` with what is wrong with each host that cannot be made ready; the others are.
 */
export async function provision(plan: ProvisionRequest): Promise<ReadyHost[]> {
  const looks = await inspectAll(plan, true)
  const preparations = await contextsOf(plan, looks)
  const prepared = await mapLimited(preparations, maxConcurrentHosts, (preparation) =>
    collectFailure(plan, preparation.member, () => runSteps(preparation)),
  )
  const ready = prepared.filter((result) => 'report' in result)
  const { did, findings } = await connectFactories(plan, ready)
  throwIfFailed([...looks, ...prepared, ...findings.map((finding) => ({ finding }))], plan.members.length)
  return ready.map((host) => (did !== undefined && isOrchestrator(host) ? withDone(host, did) : host))
}

// The last thing of all: only now has the orchestrator its key, and does each factory let it in.
async function connectFactories(
  plan: ProvisionRequest,
  ready: readonly ReadyHost[],
): Promise<ConnectionReport> {
  const orchestrator = ready.find(isOrchestrator)
  if (!orchestrator) return { findings: [] }
  const { host } = orchestrator.member
  const reached = await collectFailure(plan, orchestrator.member, () =>
    testFactoryConnections(plan, orchestrator, ready),
  )
  if ('finding' in reached) return { findings: [reached.finding] }
  for (const finding of reached.findings) plan.onEvent?.({ kind: 'failed', ...finding })
  if (reached.did !== undefined) plan.onEvent?.({ kind: 'did', host: host.name, what: reached.did })
  if (reached.findings.length === 0) plan.onEvent?.({ kind: 'ready', host: host.name })
  return reached
}

function isOrchestrator({ member }: InspectedHost): boolean {
  return member.role === 'orchestrator'
}

function withDone(host: ReadyHost, what: string): ReadyHost {
  const did = [...host.did, what]
  return { ...host, did, report: { ...host.report, did } }
}

/** What {@link provision} would do; makes nothing. */
export async function planProvision(plan: ProvisionRequest): Promise<HostPlan[]> {
  const looks = await inspectAll(plan, false)
  throwIfFailed(looks, plan.members.length)
  const preparations = await contextsOf(plan, looks)
  return preparations.map((preparation) => ({
    host: preparation.member.host.name,
    role: preparation.member.role,
    would: [...plannedSteps(preparation), ...plannedConnections(plan, preparation, preparations)],
  }))
}

/** What is wrong with a host. */
interface Failed {
  readonly finding: HostFinding
}

function inspectAll(plan: ProvisionRequest, make: boolean): Promise<(InspectedHost | Failed)[]> {
  return mapLimited(plan.members, maxConcurrentHosts, (member) =>
    collectFailure(plan, member, () => inspectHost(plan, member, make)),
  )
}

async function contextsOf(
  plan: ProvisionRequest,
  looks: readonly (InspectedHost | Failed)[],
): Promise<StepContext[]> {
  const seen = looks.filter((result) => 'state' in result)
  const orchestrator = seen.find(({ member }) => member.role === 'orchestrator')
  const publicKey = orchestrator && (orchestrator.state.publicKey ?? '')
  const common = { plan, tree: await ownTree(), publicKey, knownHosts: knownHostsOf(seen) }
  return seen.map((host) => ({ ...common, ...host }))
}

function throwIfFailed(results: readonly (object | Failed)[], hosts: number): void {
  const findings = results.flatMap((result) => ('finding' in result ? [result.finding] : []))
  if (findings.length > 0) throw notReady(findings, hosts)
}

async function collectFailure<T>(
  plan: ProvisionRequest,
  { host }: Member,
  work: () => Promise<T>,
): Promise<T | Failed> {
  try {
    return await work()
  } catch (error) {
    if (plan.signal?.aborted || !(error instanceof ClusterError)) throw error
    plan.onEvent?.({ kind: 'failed', host: host.name, message: error.message })
    return { finding: { host: host.name, code: error.code, message: error.message } }
  }
}

async function inspectHost(plan: ProvisionRequest, member: Member, make: boolean): Promise<InspectedHost> {
  const { cluster, setupCmds, signal, onEvent } = plan
  const { host, role } = member
  const tree = await ownTree()
  const setup = setupCmds.length === 0 ? {} : { setup: hashCommands(setupCmds) }
  const ask = { cluster, trees: [tree.hash], makeKey: make && role === 'orchestrator', ...setup }
  const did: string[] = []
  const inspected = host.ask('inspect', ask, signal).catch(async (error: ClusterError) => {
    // The setup commands may be what installs Node.
    if (!make || error.code !== 'HOST_NO_NODE' || setupCmds.length === 0) throw error
    did.push(await setUpWithoutNode(plan, host))
    return host.ask('inspect', ask, signal)
  })
  const [state, route] = await Promise.all([inspected, member.resolve?.()])
  checkState(host.name, state, tree)
  const known = role === 'factory' ? await host.knownKeys?.() : undefined
  onEvent?.({ kind: 'connected', host: host.name })
  const hostKeys = [...new Set([...state.hostKeys, ...(known ?? [])])].sort()
  return { member: { ...member, ...route }, state, hostKeys, did }
}

async function setUpWithoutNode({ cluster, setupCmds, signal, onEvent }: ProvisionRequest, host: AgentHost) {
  await runSetupWithoutNode(host, setupCmds, signal)
  await host.ask('setUp', { cluster, commands: [], hash: hashCommands(setupCmds) }, signal)
  const what = `ran ${describeCommands(setupCmds)}`
  onEvent?.({ kind: 'did', host: host.name, what })
  return what
}

/** As much of what a command printed as helps: its end. */
const maxOutput = 4000

/** Runs setup commands where there is no Node, and so no agent: they may be what installs it. */
async function runSetupWithoutNode(
  host: AgentHost,
  commands: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  for (const command of commands) {
    signal?.throwIfAborted()
    const { exitCode, output } = await runShell(await host.start(['sh', '-c', command]), signal)
    // By which ssh says that it has no connection any more.
    if (exitCode === null || exitCode === 255)
      throw host.explain(new SessionEnded({ exitCode, stderr: output, greeted: false }))
    if (exitCode !== 0) throw commandFailed(host.name, { command, exitCode, signal: null, output })
  }
}

interface CommandResult {
  readonly exitCode: number | null
  readonly output: string
}

function runShell(child: ChildProcess, signal?: AbortSignal): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    let output = ''
    const keep = (chunk: unknown): void => {
      output = (output + chunk).slice(-maxOutput)
    }
    const abort = (): void => {
      child.kill('SIGKILL')
      reject(signal!.reason)
    }
    signal?.addEventListener('abort', abort, { once: true })
    for (const stream of [child.stdout!, child.stderr!]) stream.on('data', keep)
    child.stdin!.on('error', () => undefined).end()
    child.once('error', ({ message }) => keep(message))
    child.once('close', (exitCode) => {
      signal?.removeEventListener('abort', abort)
      resolve({ exitCode: child.pid === undefined ? null : exitCode, output })
    })
  })
}
