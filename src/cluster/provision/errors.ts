import { ClusterError, type HostFinding, RemoteCommandError } from '../../errors.js'
import type { HostState, SetupResult } from '../protocol/messages.js'
import type { Tree } from '../protocol/tree.js'

/** What is kept free on a host's disk for logs and results, in bytes. */
const reserve = 64 << 20

/** @throws `ClusterError` when a host that answers cannot do its part. */
export function checkState(host: string, state: HostState, tree: Tree): void {
  if (state.unwritable !== undefined)
    throw new ClusterError(
      `Host "${host}" does not let user "${state.user}" write in "${state.home}" (${state.unwritable}): make the home folder writable`,
      { code: 'HOST_READ_ONLY' },
    )
  const needed = reserve + tree.files.reduce((sum, { size }) => sum + size, 0)
  if (state.missing.length > 0 && state.freeBytes < needed)
    throw new ClusterError(
      `Host "${host}" has ${megabytes(state.freeBytes)} left on the disk of "${state.home}", but ${megabytes(needed)} are needed: free some`,
      { code: 'HOST_DISK_FULL' },
    )
}

/** The error for a setup command that failed. */
export function commandFailed(host: string, failed: NonNullable<SetupResult['failed']>): RemoteCommandError {
  const { command, exitCode, signal, output } = failed
  const how = exitCode === null ? `was ended by ${signal}` : `exited with ${exitCode}`
  const said = output.trim()
  return new RemoteCommandError(
    `Command "${command}" on host "${host}" ${how}${said === '' ? '' : `:\n${said}`}`,
    {
      code: 'COMMAND_FAILED',
      host,
      remoteExitCode: exitCode,
      stderr: said,
    },
  )
}

/** The error for hosts that are not ready; of one, what is wrong with it. */
export function notReady(findings: readonly HostFinding[], members: number): ClusterError {
  const [first] = findings
  const code = first!.code
  if (findings.length === 1) return new ClusterError(first!.message, { code, findings })
  const lines = findings.map(({ message }) => `  ${message.replaceAll('\n', '\n  ')}`)
  return new ClusterError([`${findings.length} of ${members} hosts are not ready`, '', ...lines].join('\n'), {
    code: 'HOSTS_NOT_READY',
    findings,
  })
}

export function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
