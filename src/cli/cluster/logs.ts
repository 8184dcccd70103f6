import { pipeline } from 'node:stream/promises'
import { Command } from 'commander'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

/** `flambeau logs ID`. */
export function logsCommand(): Command {
  const command = new Command('logs')
    .description('print what a run has written, byte for byte')
    .argument('<id>', 'the id of the run')
    .option('-f, --follow', 'go on until the run is over')
  return withClusterFile(command).action((id: string, flags: ClusterFlags & { follow?: true }) =>
    atCluster(flags, async ({ cluster, signal }) => {
      await pipeline(cluster.attach(id).logs({ follow: flags.follow ?? false, signal }), process.stdout, {
        end: false,
      })
      return 0
    }),
  )
}
