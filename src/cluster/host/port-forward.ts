import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ClusterError } from '../../errors.js'
import { pathSetting } from './ssh-options.js'

const execute = promisify(execFile)

/** A server that this machine reaches; an IPv6 address is in brackets. */
export interface Server {
  readonly address: string
  readonly port: number
}

/** A connection of ssh that others go through. */
export interface SharedConnection {
  readonly host: string
  /** Its socket. */
  readonly path: string
}

/** How to ask, and for how long. */
export interface ForwardOptions {
  readonly timeout: number
  readonly signal?: AbortSignal
}

/**
 * Has sshd listen on the loopback address of its host and hand what comes there to a server here, for as long as the
 * connection lasts. Asked again for the same server it gives the same port.
 *
 * @throws {@link ClusterError} when the connection is gone, or sshd does not let it.
 */
export async function forwardPort(
  { host, path }: SharedConnection,
  { address, port }: Server,
  options: ForwardOptions,
): Promise<number> {
  // No configuration: its own forwardings would be asked for, too.
  const shared = ['-F', 'none', '-o', `ControlPath=${pathSetting(path)}`, '-O', 'forward']
  const args = [...shared, '-R', `127.0.0.1:0:${address}:${port}`, '--', host]
  const { stdout } = await execute('ssh', args, options).catch((error) => {
    throw options.signal?.aborted ? error : explainForwarding(host, error)
  })
  const given = Number(stdout)
  if (Number.isInteger(given) && given > 0 && given < 65_536) return given
  throw new ClusterError(`The connection to host "${host}" gave no port`, { code: 'HOST_LOST' })
}

function explainForwarding(host: string, cause: Error & { stderr?: string }): ClusterError {
  const said = cause.stderr?.trim().split('\n').at(-1) ?? cause.message
  if (!/forwarding failed|forward request failed/.test(cause.stderr ?? ''))
    return new ClusterError(`The connection to host "${host}" ended: ${said}`, { code: 'HOST_LOST', cause })
  const message = `Host "${host}" forwards no ports over SSH: write "AllowTcpForwarding remote" into its sshd_config, and let its sshd read it`
  return new ClusterError(message, { code: 'HOST_NO_FORWARDING', cause })
}
