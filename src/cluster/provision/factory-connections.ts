import { createHash } from 'node:crypto'
import type { HostFinding } from '../../errors.js'
import { commandLine, quoteArgument } from '../../util/shell.js'
import { knownHostsName } from '../host/ssh-config.js'
import { lastLine } from '../host/ssh-errors.js'
import { isolatedArguments, pathSetting } from '../host/ssh-options.js'
import type { Member } from '../members.js'
import { factoryOptions } from '../run/current-run.js'
import { authorizedOrchestrator, type InspectedHost, type ProvisionRequest, type ReadyHost } from './steps.js'

/** What came of it when an orchestrator connected to its factories. */
export interface ConnectionReport {
  /** In words; absent when nothing had to be tried. */
  readonly did?: string
  readonly findings: readonly HostFinding[]
}

/** A connection to try: the program that makes it, from the orchestrator. */
interface FactoryConnection {
  readonly member: Member
  readonly argv: readonly string[]
}

/**
 * Lets the orchestrator connect to each of its factories, when there is a way that it has not gone yet. A way that led
 * there before is not tried again: for a cluster at which nothing changed that would be one more connection a host.
 */
export async function testFactoryConnections(
  { cluster, members, signal }: ProvisionRequest,
  orchestrator: ReadyHost,
  ready: readonly ReadyHost[],
): Promise<ConnectionReport> {
  const routes = connectionsTo(ready, orchestrator, cluster)
  const mark = markOf(routes, ready)
  const isUnchanged =
    mark === orchestrator.state.reached && !ready.some(({ did }) => did.includes(authorizedOrchestrator))
  if (routes.length === 0 || isUnchanged) return { findings: [] }
  const commands = routes.map(({ argv }) => argv)
  const isComplete = ready.length === members.length
  const ask = { cluster, commands, ...(isComplete ? { mark } : {}) }
  const { ends } = await orchestrator.member.host.ask('reach', ask, signal)
  const findings = routes.flatMap(({ member }, index) => {
    const { exitCode, stderr } = ends[index]!
    return exitCode === 0 ? [] : [connectionFinding({ orchestrator, member, cluster, stderr })]
  })
  return findings.length > 0 ? { findings } : { did: `reached ${describeFactories(routes)}`, findings }
}

/** What {@link testFactoryConnections} would do, in words. */
export function plannedConnections(
  { cluster }: ProvisionRequest,
  host: InspectedHost,
  all: readonly InspectedHost[],
): string[] {
  if (host.member.role !== 'orchestrator') return []
  const routes = connectionsTo(all, host, cluster)
  const isUnchanged = routes.length === 0 || markOf(routes, all) === host.state.reached
  return isUnchanged ? [] : [`connect to ${describeFactories(routes)}`]
}

function describeFactories({ length }: readonly FactoryConnection[]): string {
  return length === 1 ? 'its factory' : `its ${length} factories`
}

function connectionsTo(
  seen: readonly InspectedHost[],
  { state }: InspectedHost,
  cluster: string,
): FactoryConnection[] {
  return seen.flatMap(({ member }) => {
    const { role, connection } = member
    if (role !== 'factory' || connection.kind !== 'ssh') return []
    const key = `${state.home}/.flambeau/clusters/${cluster}/key`
    const options = factoryOptions(connection, { key, user: state.user })
    return [{ member, argv: ['ssh', ...isolatedArguments(options), '--', options.address, 'true'] }]
  })
}

function markOf(routes: readonly FactoryConnection[], seen: readonly InspectedHost[]): string {
  const keys = seen.map(({ state }) => state.publicKey)
  const all = [routes.map(({ argv }) => argv), keys, knownHostsOf(seen)]
  return createHash('sha256').update(JSON.stringify(all)).digest('hex')
}

interface FailedConnection {
  readonly orchestrator: InspectedHost
  readonly member: Member
  readonly cluster: string
  readonly stderr: string
}

function connectionFinding({ orchestrator, member, cluster, stderr }: FailedConnection): HostFinding {
  const { name: from } = orchestrator.member.host
  const { name: to } = member.host
  const { address, port = 22, connection } = member
  const user = connection.kind === 'ssh' ? connection.user : undefined
  const where = `${user === undefined ? '' : `${user}@`}${address}`
  const reason = lastLine(stderr.replace(/\.(?=\s*$)/, ''))
  const folder = `${orchestrator.state.home}/.flambeau/clusters/${cluster}`
  const settings = ['-i', `${folder}/key`, '-o', `UserKnownHostsFile=${pathSetting(`${folder}/known_hosts`)}`]
  const ssh = commandLine(['ssh', '-p', String(port), ...settings, where, 'true'])
  const start = orchestrator.member.host.command
  const message = [
    `Orchestrator "${from}" does not reach factory "${to}" at "${where}", port ${port} (${reason}): `,
    adviceFor(stderr, to),
    `; "${start === undefined ? ssh : `${start} ${quoteArgument(ssh)}`}" tries it`,
  ].join('')
  return { host: to, code: 'FACTORY_OUT_OF_REACH', message }
}

const advices: readonly (readonly [RegExp, (factory: string) => string])[] = [
  [
    /ENOENT|not found/,
    () => 'install an OpenSSH client on the orchestrator ("apt-get install openssh-client")',
  ],
  [
    /Permission denied/,
    () =>
      'let its sshd read "~/.ssh/authorized_keys" of that user ("sudo sshd -T | grep -i authorizedkeysfile" says what it reads)',
  ],
  [
    /Host key verification failed|REMOTE HOST IDENTIFICATION/,
    () =>
      'another machine answers there, or its sshd has keys that are neither in its "/etc/ssh" nor known here',
  ],
]

function adviceFor(stderr: string, factory: string): string {
  const found = advices.find(([pattern]) => pattern.test(stderr))
  if (found) return found[1](factory)
  return `if the orchestrator sees it at another address, write both ("factories_ips: [[${factory}, ADDRESS]]"), else let its connections in`
}

/** The keys of the factories as lines of `known_hosts`, as the orchestrator will look for them. */
export function knownHostsOf(seen: readonly InspectedHost[]): string {
  const factories = seen.filter(({ member }) => member.role === 'factory')
  const lines = factories.flatMap(({ member: { address, port }, hostKeys }) =>
    hostKeys.map((key) => `${knownHostsName(address, port)} ${key}\n`),
  )
  return [...new Set(lines)].join('')
}
