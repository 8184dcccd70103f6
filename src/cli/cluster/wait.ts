import { Command } from 'commander'
import { tellEnd } from './run-end.js'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

/** `flambeau wait ID`. */
export function waitCommand(): Command {
  const command = new Command('wait')
    .description('wait until a run is over; print its result, and exit as it did')
    .argument('<id>', 'the id of the run')
  return withClusterFile(command).action((id: string, flags: ClusterFlags) =>
    atCluster(flags, async ({ cluster, logger, signal }) =>
      tellEnd(await cluster.attach(id).wait({ signal }), logger),
    ),
  )
}
