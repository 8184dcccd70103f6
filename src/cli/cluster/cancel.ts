import { Command } from 'commander'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

/** `flambeau cancel ID`. */
export function cancelCommand(): Command {
  const command = new Command('cancel')
    .description('end a run, and all that it has started')
    .argument('<id>', 'the id of the run')
  return withClusterFile(command).action((id: string, flags: ClusterFlags) =>
    atCluster(flags, async ({ cluster, logger }) => {
      const { state } = await cluster.attach(id).cancel()
      logger.info(state === 'cancelled' ? `Run ${id} is cancelled` : `Run ${id} was over already (${state})`)
      return 0
    }),
  )
}
