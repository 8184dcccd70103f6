import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { HostFinding } from '../../errors.js'
import { commandLine, quoteArgument } from '../../util/shell.js'
import { knownHostsName } from '../host/ssh-config.js'
import { lastLine } from '../host/ssh-errors.js'
import {
  type CompleteSSHOptions,
  completeSSHOptions,
  isolatedArguments,
  pathSetting,
} from '../host/ssh-options.js'
import type { Connection, Member } from '../members.js'
import { clusterFiles, HostLayout } from '../protocol/layout.js'
import type { RemoteEnvironment } from '../remote-environment.js'
import { type InspectedHost, letOrchestratorIn, type ProvisionRequest } from './steps.js'

/** What happened when the orchestrator connected to its workers. */
export interface ConnectionReport {
  /** What was done, or is planned in a dry run, in words; empty if there was nothing to do. */
  readonly steps: readonly string[]
  readonly findings: readonly HostFinding[]
}

/** A connection to test: the command that the orchestrator runs. */
interface FactoryConnection {
  readonly member: Member
  readonly argv: readonly string[]
}

/**
 * Lets the orchestrator connect to each of its workers, if anything has changed since this last succeeded: otherwise
 * it would cost one connection for each host of a cluster that is ready.
 */
export async function testFactoryConnections(
  { cluster, members, dryRun, signal }: ProvisionRequest,
  orchestrator: InspectedHost,
  hosts: readonly InspectedHost[],
): Promise<ConnectionReport> {
  const connections = connectionsTo(hosts, orchestrator, cluster)
  const mark = markOf(connections, hosts)
  const isUnchanged =
    mark === orchestrator.state.reached && !hosts.some(({ steps }) => steps.includes(letOrchestratorIn))
  if (connections.length === 0 || isUnchanged) return { steps: [], findings: [] }
  if (dryRun) return { steps: [`connect to ${describeFactories(connections)}`], findings: [] }
  const commands = connections.map(({ argv }) => argv)
  const isComplete = hosts.length === members.length
  const request = { cluster, commands, mark: isComplete ? mark : undefined }
  const { ends: results } = await orchestrator.member.host.ask('testConnections', request, signal)
  const findings = connections.flatMap(({ member }, index) => {
    const { exitCode, stderr } = results[index]!
    return exitCode === 0 ? [] : [connectionFailed({ orchestrator, member, cluster, stderr })]
  })
  return findings.length > 0
    ? { steps: [], findings }
    : { steps: [`reached ${describeFactories(connections)}`], findings }
}

function describeFactories({ length }: readonly FactoryConnection[]): string {
  return length === 1 ? 'its worker' : `its ${length} workers`
}

function connectionsTo(
  hosts: readonly InspectedHost[],
  { state }: InspectedHost,
  cluster: string,
): FactoryConnection[] {
  return hosts.flatMap(({ member }) => {
    const { role, connection } = member
    if (role !== 'factory' || connection.kind !== 'ssh') return []
    const key = new HostLayout(state.home).cluster(cluster, 'key')
    const options = factoryOptions(connection, { key, user: state.user })
    return [{ member, argv: ['ssh', ...isolatedArguments(options), '--', options.address, 'true'] }]
  })
}

/** Changes with anything that could make a connection fail which succeeded before. */
function markOf(connections: readonly FactoryConnection[], hosts: readonly InspectedHost[]): string {
  const keys = hosts.map(({ state }) => state.publicKey)
  const all = [connections.map(({ argv }) => argv), keys, knownHostsOf(hosts)]
  return createHash('sha256').update(JSON.stringify(all)).digest('hex')
}

interface FailedConnection {
  readonly orchestrator: InspectedHost
  readonly member: Member
  readonly cluster: string
  readonly stderr: string
}

function connectionFailed({ orchestrator, member, cluster, stderr }: FailedConnection): HostFinding {
  const { host: orchestratorHost } = orchestrator.member
  const { address, port = 22, connection, host: factory } = member
  const user = connection.kind === 'ssh' ? connection.user : undefined
  const destination = user === undefined ? address : `${user}@${address}`
  const reason = lastLine(stderr.replace(/\.(?=\s*$)/, ''))
  const layout = new HostLayout(orchestrator.state.home)
  const knownHosts = pathSetting(layout.cluster(cluster, 'knownHosts'))
  const settings = ['-i', layout.cluster(cluster, 'key'), '-o', `UserKnownHostsFile=${knownHosts}`]
  const ssh = commandLine(['ssh', '-p', String(port), ...settings, destination, 'true'])
  const login = orchestratorHost.command
  const message = [
    `Orchestrator "${orchestratorHost.name}" does not reach worker "${factory.name}" at "${destination}", port ${port} (${reason}): `,
    adviceFor(stderr, factory.name),
    `; "${login === undefined ? ssh : `${login} ${quoteArgument(ssh)}`}" tries it`,
  ].join('')
  return { host: factory.name, code: 'FACTORY_OUT_OF_REACH', message }
}

const advices: readonly (readonly [RegExp, (factory: string) => string])[] = [
  [
    /ENOENT|not found/,
    () => 'install an OpenSSH client on the orchestrator ("apt-get install openssh-client")',
  ],
  [
    /Permission denied/,
    () =>
      'let its sshd read "~/.ssh/authorized_keys" of that user ("sudo sshd -T | grep -i authorizedkeysfile" shows which file it reads)',
  ],
  [
    /Host key verification failed|REMOTE HOST IDENTIFICATION/,
    () =>
      'another machine has that address, or its sshd has host keys that are neither in its "/etc/ssh" nor known here',
  ],
]

function adviceFor(stderr: string, factory: string): string {
  const found = advices.find(([pattern]) => pattern.test(stderr))
  if (found) return found[1](factory)
  return `if it has another address for the orchestrator, write both ("factories_ips: [[${factory}, ADDRESS]]"); otherwise allow its connections`
}

/** The host keys of the workers as lines of `known_hosts`, with the addresses that the orchestrator uses. */
export function knownHostsOf(hosts: readonly InspectedHost[]): string {
  const factories = hosts.filter(({ member }) => member.role === 'factory')
  const lines = factories.flatMap(({ member: { address, port }, hostKeys }) =>
    hostKeys.map((key) => `${knownHostsName(address, port)} ${key}\n`),
  )
  return [...new Set(lines)].join('')
}

/**
 * The SSH options with which the orchestrator connects to a worker: only the key of the cluster, and only the host
 * keys that were sent to it.
 */
export function factoryOptions(
  { address, port, user, node }: Extract<Connection, { kind: 'ssh' }>,
  env: Pick<RemoteEnvironment, 'key' | 'user'>,
): CompleteSSHOptions & { readonly hostKey: { file: string } } {
  const hostKey = { file: join(dirname(env.key), clusterFiles.knownHosts) }
  return { ...completeSSHOptions({ address, port, user: user ?? env.user, key: env.key, node }), hostKey }
}
