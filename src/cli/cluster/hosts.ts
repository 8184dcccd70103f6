import { Command } from 'commander'
import {
  type ClusterFlags,
  completeClusterFlags,
  logEvent,
  useCluster,
  withClusterOptions,
} from './cluster-context.js'

/** `flambeau up CLUSTER`. */
export function upCommand(): Command {
  const command = new Command('up')
    .description('prepare the hosts of a cluster, and log what is done')
    .argument('[cluster]', 'the YAML file of the cluster (default: that of the project)')
  return withClusterOptions(command).action(async (file: string | undefined, flags: ClusterFlags) =>
    useCluster(
      await completeClusterFlags({ ...flags, cluster: file }, command),
      async ({ cluster, logger, signal }) => {
        // Events, not the result: if one host fails, the user still sees which hosts are ready.
        await cluster.up({
          signal,
          onEvent: (event) => {
            logEvent(event, logger)
            if (event.kind === 'ready') logger.info(`${event.host}: ready`)
          },
        })
      },
    ),
  )
}

type DownFlags = ClusterFlags & { readonly force?: true }

/** `flambeau down CLUSTER`. */
export function downCommand(): Command {
  const command = new Command('down')
    .description('remove everything of a cluster from its hosts')
    .argument('[cluster]', 'the YAML file of the cluster (default: that of the project)')
    .option(
      '-f, --force',
      'cancel a run that is in progress; for a LocalCluster, also remove host folders that it did not create',
    )
  return withClusterOptions(command).action(async (file: string | undefined, flags: DownFlags) =>
    useCluster(
      await completeClusterFlags({ ...flags, cluster: file }, command),
      async ({ cluster, logger }) => {
        await cluster.down({ force: flags.force ?? false })
        logger.info(`Removed cluster "${cluster.name}" from its hosts`)
      },
    ),
  )
}
