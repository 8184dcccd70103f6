import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ClusterError } from '../../errors.js'
import { pathSetting } from './ssh-options.js'

const execute = promisify(execFile)

/** A server that this machine can connect to; an IPv6 address is in brackets. */
export interface Server {
  readonly address: string
  readonly port: number
}

/** An SSH connection that other sessions share. */
export interface SharedConnection {
  readonly host: string
  /** The path of its control socket. */
  readonly path: string
}

/** Options of {@link forwardPort}. */
export interface ForwardOptions {
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

/**
 * Lets sshd listen on the loopback address of its host and forward connections to a server of this machine, for as
 * long as the SSH connection lasts. Returns the same port for the same server.
 *
 * @throws {@link ClusterError} when the connection is lost, or sshd does not allow forwarding.
 */
export async function forwardPort(
  { host, path }: SharedConnection,
  { address, port }: Server,
  options: ForwardOptions,
): Promise<number> {
  // Without the user's configuration, whose own forwardings would be requested as well.
  const shared = ['-F', 'none', '-o', `ControlPath=${pathSetting(path)}`, '-O', 'forward']
  const args = [...shared, '-R', `127.0.0.1:0:${address}:${port}`, '--', host]
  const { stdout } = await execute('ssh', args, options).catch((error) => {
    throw options.signal?.aborted ? error : explainForwarding(host, error)
  })
  const remotePort = Number(stdout)
  if (Number.isInteger(remotePort) && remotePort > 0 && remotePort < 65_536) return remotePort
  throw new ClusterError(`The connection to host "${host}" returned no port`, { code: 'HOST_LOST' })
}

function explainForwarding(host: string, cause: Error & { stderr?: string }): ClusterError {
  const reason = cause.stderr?.trim().split('\n').at(-1) ?? cause.message
  if (!/forwarding failed|forward request failed/.test(cause.stderr ?? ''))
    return new ClusterError(`The connection to host "${host}" ended: ${reason}`, { code: 'HOST_LOST', cause })
  const message = `Host "${host}" does not allow port forwarding over SSH: add "AllowTcpForwarding remote" to its sshd_config, and reload its sshd`
  return new ClusterError(message, { code: 'HOST_NO_FORWARDING', cause })
}
