import { ClusterError } from '../../errors.js'
import { runVariable } from '../agent/run-processes.js'
import type { AgentHost } from '../host/agent-host.js'
import { LocalHost } from '../host/local-host.js'
import { SlurmNode } from '../host/slurm-node.js'
import { SSHHost } from '../host/ssh-host.js'
import type { Connection } from '../members.js'
import { factoryOptions } from '../provision/factory-connections.js'
import type { RemoteEnvironment } from '../remote-environment.js'
import { type Connections, type RunProgram, readRunFile } from './run-folder.js'

/** The run on a cluster that this process executes. */
export interface CurrentRun {
  /** Its folder on the orchestrator. */
  readonly folder: string
  readonly program: RunProgram
  readonly connections: Connections
}

/** @throws {@link ClusterError} if this process is not a run on a cluster. */
export async function currentRun(): Promise<CurrentRun> {
  const folder = process.env[runVariable]
  if (folder === undefined)
    throw new ClusterError(
      'This process is not a run on a cluster, so it has no workers: submit the runnable to a cluster',
      {
        code: 'NO_RUN',
      },
    )
  const [program, connections] = await Promise.all([
    readRunFile<RunProgram>(folder, 'program'),
    readRunFile<Connections>(folder, 'connection'),
  ])
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
 * @throws `ClusterError` if this process is not a run on a cluster.
 */
export async function connectToFactories(env: RemoteEnvironment): Promise<readonly AgentHost[]> {
  const { connections } = await currentRun()
  if (connections.isAllocation) return env.factoriesIps.map((name) => new SlurmNode(name))
  return connections.factories.map((connection) => hostOf(connection, env))
}

function hostOf(connection: Connection, env: RemoteEnvironment): AgentHost {
  if (connection.kind === 'local') return new LocalHost(connection.name, connection.folder)
  return new SSHHost(factoryOptions(connection, env))
}
