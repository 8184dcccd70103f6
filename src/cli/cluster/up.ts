import { Command } from 'commander'
import { withImports } from '../options.js'
import { tell } from './tell.js'
import { atCluster, type ClusterFlags } from './with-cluster.js'

/** `flambeau up CLUSTER`. */
export function upCommand(): Command {
  const command = new Command('up')
    .description('make every host of a cluster ready, and say what was done on which')
    .argument('<cluster>', 'the YAML file of the cluster')
    .option('-s, --secrets <file>', 'an INI file of secrets')
  return withImports(command).action((file: string, flags: Omit<ClusterFlags, 'cluster'>) =>
    atCluster({ ...flags, cluster: file }, async ({ cluster, logger, signal }) => {
      // As it happens: when one host fails, the others are seen to be ready all the same.
      await cluster.up({
        signal,
        onEvent: (event) => {
          tell(event, logger)
          if (event.kind === 'ready') logger.info(`${event.host}: ready`)
        },
      })
      return 0
    }),
  )
}
