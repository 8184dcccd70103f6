import { Command } from 'commander'
import { type ReconnectFlags, staying, withReconnect } from './reconnect.js'
import { tellEnd } from './run-end.js'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

/** `flambeau wait ID`. */
export function waitCommand(): Command {
  const command = new Command('wait')
    .description('wait until a run is over; print its result, and exit as it did')
    .argument('<id>', 'the id of the run')
  return withReconnect(withClusterFile(command)).action((id: string, flags: ClusterFlags & ReconnectFlags) =>
    atCluster(flags, (at) =>
      staying({ id, file: flags.cluster, flags }, at, async (options) =>
        tellEnd(await at.cluster.attach(id).wait(options), at.logger),
      ),
    ),
  )
}
