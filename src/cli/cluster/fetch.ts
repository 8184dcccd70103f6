import { Command } from 'commander'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

type FetchFlags = ClusterFlags & { readonly force?: true }

/** `flambeau fetch ID PATH DEST`. */
export function fetchCommand(): Command {
  const command = new Command('fetch')
    .description('bring a file or folder that a run has written here')
    .argument('<id>', 'the id of the run')
    .argument('<path>', 'the path there; a relative one is taken from the folder that the run runs in')
    .argument('<dest>', 'where to put it here; other files there stay')
    .option('-f, --force', 'replace files that differ')
  return withClusterFile(command).action((id: string, path: string, dest: string, flags: FetchFlags) =>
    atCluster(flags, async ({ cluster, logger }) => {
      await cluster.attach(id).fetch(path, dest, { force: flags.force })
      logger.info(`"${path}" is in "${dest}"`)
      return 0
    }),
  )
}
