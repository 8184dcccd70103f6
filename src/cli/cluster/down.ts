import { Command } from 'commander'
import { withImports } from '../options.js'
import { atCluster, type ClusterFlags } from './with-cluster.js'

type DownFlags = Omit<ClusterFlags, 'cluster'> & { readonly force?: true }

/** `flambeau down CLUSTER`. */
export function downCommand(): Command {
  const command = new Command('down')
    .description('remove all that was put on the hosts of a cluster')
    .argument('<cluster>', 'the YAML file of the cluster')
    .option(
      '-f, --force',
      'cancel a run that is under way; of a LocalCluster, remove folders of hosts that existed before it, too',
    )
  return withImports(command).action((file: string, flags: DownFlags) =>
    atCluster({ ...flags, cluster: file }, async ({ cluster, logger }) => {
      await cluster.down({ force: flags.force ?? false })
      logger.info(`Nothing of cluster "${cluster.name}" is left on its hosts`)
      return 0
    }),
  )
}
