import { Command } from 'commander'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

/** `flambeau fetch ID PATH DEST`. */
export function fetchCommand(): Command {
  const command = new Command('fetch')
    .description('bring a file or folder that a run has written here')
    .argument('<id>', 'the id of the run')
    .argument('<path>', 'the path there; a relative one is taken from the folder that the run runs in')
    .argument('<dest>', 'where to put it here; what is there is replaced')
  return withClusterFile(command).action((id: string, path: string, dest: string, flags: ClusterFlags) =>
    atCluster(flags, async ({ cluster, logger }) => {
      await cluster.attach(id).fetch(path, dest)
      logger.info(`"${path}" is in "${dest}"`)
      return 0
    }),
  )
}
