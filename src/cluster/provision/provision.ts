import type { ClusterError } from '../../errors.js'
import { mapLimited } from '../../util/concurrency.js'
import { ownTree } from '../bundle/own-tree.js'
import { type Member, maxConcurrentHosts } from '../members.js'
import type { HostState } from '../protocol/messages.js'
import type { Tree } from '../protocol/tree.js'
import { setUpWithoutNode } from './bootstrap.js'
import { checkState, failureOf, type HostFailure, notReady } from './errors.js'
import { knownHostsOf, testFactoryConnections } from './factory-connections.js'
import { sharedHosts } from './shared-hosts.js'
import {
  hashCommands,
  type InspectedHost,
  type ProvisionRequest,
  runSteps,
  type StepContext,
} from './steps.js'

/**
 * Provisions every host of a cluster: inspects all of them, runs the steps that each needs, and lets the orchestrator
 * connect to its workers. For a host that needs nothing, that is a single request. In a dry run it changes nothing,
 * and returns the steps that it would run.
 *
 * @throws `ClusterError` whose `findings` name each host that is not ready; the other hosts are.
 */
export async function provision(request: ProvisionRequest): Promise<InspectedHost[]> {
  const { members } = request
  const routed = members.map(withRoute)
  const inspected = await mapLimited(routed, maxConcurrentHosts, (member) =>
    catchFailure(request, member, () => inspectHost(request, member)),
  )
  for (const event of sharedHosts(inspected.filter(isHost))) request.onEvent(event)
  const contexts = await contextsOf(request, inspected.filter(isHost))
  const prepared = await mapLimited(contexts, maxConcurrentHosts, (context) =>
    catchFailure(request, context.member, () => runSteps(context)),
  )
  const hosts = await connectToFactories(request, prepared.filter(isHost))
  const failures = [...inspected, ...prepared, ...hosts].filter(isFailure)
  if (failures.length > 0) throw notReady(failures, members.length)
  return hosts.filter(isHost)
}

// All routes are asked for at once, which takes few processes. The turn of the host reports an error.
function withRoute(member: Member): Member {
  if (!member.resolve) return member
  const route = Promise.resolve().then(() => member.resolve!())
  route.catch(() => undefined)
  return { ...member, resolve: () => route }
}

function isHost(result: InspectedHost | HostFailure): result is InspectedHost {
  return 'state' in result
}

function isFailure(result: InspectedHost | HostFailure): result is HostFailure {
  return 'finding' in result
}

async function catchFailure<T>(
  { signal, onEvent }: ProvisionRequest,
  { host }: Member,
  work: () => Promise<T>,
): Promise<T | HostFailure> {
  try {
    return await work()
  } catch (error) {
    if (signal?.aborted) throw error
    const failure = failureOf(host.name, error)
    onEvent({ kind: 'failed', host: host.name, message: failure.finding.message })
    return failure
  }
}

async function inspectHost(request: ProvisionRequest, member: Member): Promise<InspectedHost> {
  const { setupCmds, dryRun, onEvent } = request
  const { host, role } = member
  const inspect = () => askForState(request, member)
  const steps: string[] = []
  const inspected = inspect().catch(async (error: ClusterError) => {
    // The setup commands may install Node.
    if (dryRun || error.code !== 'HOST_NO_NODE' || setupCmds.length === 0) throw error
    steps.push(await setUpWithoutNode(request, host))
    return inspect()
  })
  const [state, route] = await Promise.all([inspected, member.resolve?.()])
  checkState(host.name, state, await treeOf(request))
  const known = role === 'factory' ? await host.knownKeys?.() : undefined
  onEvent({ kind: 'connected', host: host.name })
  const hostKeys = [...new Set([...state.hostKeys, ...(known ?? [])])].sort()
  return { member: { ...member, ...route }, state, hostKeys, steps }
}

// The tree is read while the host is connected to. This fails for a broken installation of this package as well, which is
// not the fault of any host.
function askForState(request: ProvisionRequest, { host, role }: Member): Promise<HostState> {
  const { cluster, setupCmds, dryRun, signal } = request
  const setup = setupCmds.length === 0 ? undefined : hashCommands(setupCmds)
  const makeKey = !dryRun && role === 'orchestrator'
  const asked = treeOf(request).then(({ hash }) => ({ cluster, trees: [hash], makeKey, setup }))
  // If no connection is made, nobody else looks at it.
  asked.catch(() => {})
  return host.ask('inspect', asked, signal)
}

function treeOf({ forRun }: ProvisionRequest): Promise<Tree> {
  return ownTree({ peers: forRun })
}

async function contextsOf(
  request: ProvisionRequest,
  hosts: readonly InspectedHost[],
): Promise<StepContext[]> {
  const orchestrator = hosts.find(isOrchestrator)
  const publicKey = orchestrator && (orchestrator.state.publicKey ?? '')
  const common = { request, tree: await treeOf(request), publicKey, knownHosts: knownHostsOf(hosts) }
  return hosts.map((host) => ({ ...common, ...host }))
}

// This is last: only now the orchestrator has its key, and the workers accept it.
async function connectToFactories(
  request: ProvisionRequest,
  hosts: readonly InspectedHost[],
): Promise<(InspectedHost | HostFailure)[]> {
  const orchestrator = hosts.find(isOrchestrator)
  if (!orchestrator) return [...hosts]
  const { member } = orchestrator
  const report = await catchFailure(request, member, () =>
    testFactoryConnections(request, orchestrator, hosts),
  )
  if ('finding' in report) return [...hosts, report]
  const { steps, findings } = report
  const host = member.host.name
  for (const finding of findings) request.onEvent({ kind: 'failed', ...finding })
  if (!request.dryRun) {
    for (const what of steps) request.onEvent({ kind: 'did', host, what })
    if (findings.length === 0) request.onEvent({ kind: 'ready', host })
  }
  const connected = { ...orchestrator, steps: [...orchestrator.steps, ...steps] }
  return [
    ...hosts.map((each) => (each === orchestrator ? connected : each)),
    ...findings.map((finding) => ({ finding })),
  ]
}

function isOrchestrator({ member }: InspectedHost): boolean {
  return member.role === 'orchestrator'
}
