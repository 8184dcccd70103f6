import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClusterError } from '../../errors.js'
import type { AgentHost } from '../host/agent-host.js'
import { LocalHost } from '../host/local-host.js'
import { SSHHost } from '../host/ssh-host.js'
import type { Connection } from '../members.js'
import type { RemoteEnvironment } from '../remote-environment.js'
import type { Connections } from './run-folder.js'

/**
 * The factories of the cluster that this process runs on, in the order of `env.factoriesIps`; for the `run` of a
 * {@link ClusterRunnable}.
 *
 * ```ts
 * for (const factory of await connectToFactories(this.env)) await factory.exec(['nproc'])
 * ```
 *
 * @throws `ClusterError` where this process is no run on a cluster.
 */
export async function connectToFactories(env: RemoteEnvironment): Promise<readonly AgentHost[]> {
  const folder = process.env['FLAMBEAU_RUN']
  if (folder === undefined)
    throw new ClusterError('This is no run on a cluster, so it has no factories: submit it to one', {
      code: 'NO_RUN',
    })
  const connections: Connections = JSON.parse(await readFile(join(folder, 'connection.json'), 'utf8'))
  return connections.factories.map((connection) => hostOf(connection, env))
}

function hostOf(connection: Connection, { key, user }: RemoteEnvironment): AgentHost {
  if (connection.kind === 'local') return new LocalHost(connection.name, connection.folder)
  const { address, port } = connection
  const hostKey = { file: join(dirname(key), 'known_hosts') }
  return new SSHHost({ address, port, user: connection.user ?? user, key, hostKey })
}
