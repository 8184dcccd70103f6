import { ClusterConfigurationError, ClusterError, type HostFinding, RemoteCommandError } from '../../errors.js'
import { describeSize, totalBytes } from '../bundle/size-limit.js'
import type { HostState, SetupResult } from '../protocol/messages.js'
import type { Tree } from '../protocol/tree.js'

/** The space that must stay free on the disk of a host for logs and results, in bytes. */
const reservedBytes = 64 << 20

/** @throws `ClusterError` when a host cannot store what is sent to it. */
export function checkState(host: string, state: HostState, tree: Tree): void {
  if (state.unwritable !== undefined)
    throw new ClusterError(
      `User "${state.user}" cannot write to "${state.home}" on host "${host}" (${state.unwritable}): make the home folder writable`,
      { code: 'HOST_READ_ONLY' },
    )
  const needed = reservedBytes + totalBytes(tree.files)
  if (state.missing.length > 0 && state.freeBytes < needed)
    throw new ClusterError(
      `Host "${host}" has ${describeSize({ bytes: state.freeBytes })} left on the disk of "${state.home}", but ${describeSize({ bytes: needed })} are needed: free some space`,
      { code: 'HOST_DISK_FULL' },
    )
}

/** The error for a setup command that failed. */
export function commandFailed(host: string, failed: NonNullable<SetupResult['failed']>): RemoteCommandError {
  const { command, exitCode, signal, output } = failed
  const how = exitCode === null ? `was killed by ${signal}` : `exited with ${exitCode}`
  const stderr = output.trim()
  return new RemoteCommandError(
    `Command "${command}" on host "${host}" ${how}${stderr === '' ? '' : `:\n${stderr}`}`,
    { code: 'COMMAND_FAILED', host, remoteExitCode: exitCode, stderr },
  )
}

/** The failure of a host. */
export interface HostFailure {
  readonly finding: HostFinding
  /** Absent if no request failed: the host could not be reached from the orchestrator. */
  readonly cause?: ClusterError
}

/** The failure of a host; throws an error that does not concern one host alone. */
export function failureOf(host: string, error: unknown): HostFailure {
  if (!(error instanceof ClusterError) || error instanceof ClusterConfigurationError) throw error
  return { finding: { host, code: error.code, message: error.message }, cause: error }
}

/** The error for hosts that are not ready; for a single host, with the message and code of its own error. */
export function notReady(failures: readonly HostFailure[], members: number): ClusterError {
  const findings = failures.map(({ finding }) => finding)
  const [first] = findings
  const code = first!.code
  const cause = causeOf(failures)
  if (findings.length === 1) return new ClusterError(first!.message, { ...cause, code, findings })
  const lines = findings.map(({ message }) => `  ${message.replaceAll('\n', '\n  ')}`)
  return new ClusterError([`${findings.length} of ${members} hosts are not ready`, '', ...lines].join('\n'), {
    ...cause,
    code: 'HOSTS_NOT_READY',
    findings,
  })
}

function causeOf(failures: readonly HostFailure[]): ErrorOptions {
  const causes = failures.flatMap(({ cause }) => cause ?? [])
  if (causes.length === 0) return {}
  return { cause: failures.length === 1 ? causes[0] : new AggregateError(causes) }
}
