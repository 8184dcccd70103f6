import { Command } from 'commander'
import { withImports, withSecrets } from '../options.js'
import { type ClusterFlags, logEvent, useCluster } from './cluster-context.js'

/** `flambeau up CLUSTER`. */
export function upCommand(): Command {
  const command = new Command('up')
    .description('make every host of a cluster ready, and say what was done on which')
    .argument('<cluster>', 'the YAML file of the cluster')
  return withImports(withSecrets(command)).action((file: string, flags: Omit<ClusterFlags, 'cluster'>) =>
    useCluster({ ...flags, cluster: file }, async ({ cluster, logger, signal }) => {
      // As it happens: when one host fails, the others are seen to be ready all the same.
      await cluster.up({
        signal,
        onEvent: (event) => {
          logEvent(event, logger)
          if (event.kind === 'ready') logger.info(`${event.host}: ready`)
        },
      })
      return 0
    }),
  )
}

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
  return withImports(withSecrets(command)).action((file: string, flags: DownFlags) =>
    useCluster({ ...flags, cluster: file }, async ({ cluster, logger }) => {
      await cluster.down({ force: flags.force ?? false })
      logger.info(`Nothing of cluster "${cluster.name}" is left on its hosts`)
      return 0
    }),
  )
}
