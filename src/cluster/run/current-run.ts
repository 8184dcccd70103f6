import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClusterError } from '../../errors.js'
import { runVariable } from '../agent/run-processes.js'
import type { AgentHost } from '../host/agent-host.js'
import { LocalHost } from '../host/local-host.js'
import { SSHHost } from '../host/ssh-host.js'
import type { SSHHostOptions } from '../host/ssh-options.js'
import type { Connection } from '../members.js'
import type { RemoteEnvironment } from '../remote-environment.js'
import type { Connections, RunProgram } from './run-folder.js'

/** The run on a cluster that this process is. */
export interface CurrentRun {
  /** Its folder on the orchestrator. */
  readonly folder: string
  readonly program: RunProgram
  readonly connections: Connections
}

/** @throws {@link ClusterError} where this process is no run on a cluster. */
export async function currentRun(): Promise<CurrentRun> {
  const folder = process.env[runVariable]
  if (folder === undefined)
    throw new ClusterError('This is no run on a cluster, so it has no factories: submit it to one', {
      code: 'NO_RUN',
    })
  const [program, connections] = await Promise.all(
    ['program.json', 'connection.json'].map(async (name) =>
      JSON.parse(await readFile(join(folder, name), 'utf8')),
    ),
  )
  return { folder, program, connections }
}

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
  const { connections } = await currentRun()
  return connections.factories.map((connection) => hostOf(connection, env))
}

function hostOf(connection: Connection, env: RemoteEnvironment): AgentHost {
  if (connection.kind === 'local') return new LocalHost(connection.name, connection.folder)
  return new SSHHost(factoryOptions(connection, env))
}

/** How the orchestrator reaches a factory, with the key of the cluster and no other, at a host key that it was given. */
export function factoryOptions(
  { address, port, user, node }: Extract<Connection, { kind: 'ssh' }>,
  env: Pick<RemoteEnvironment, 'key' | 'user'>,
): SSHHostOptions & { readonly hostKey: { file: string } } {
  const hostKey = { file: join(dirname(env.key), 'known_hosts') }
  return { address, port, user: user ?? env.user, key: env.key, hostKey, node }
}
