import { Command } from 'commander'
import { printLine } from '../print-line.js'
import { inOneLine } from './runs.js'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

/** `flambeau status ID`. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description('say how a run is doing')
    .argument('<id>', 'the id of the run')
    .option('--json', 'print it as JSON')
  return withClusterFile(command).action((id: string, flags: ClusterFlags & { json?: true }) =>
    atCluster(flags, async ({ cluster }) => {
      const status = await cluster.attach(id).status()
      printLine(flags.json ? JSON.stringify(status, null, 2) : inOneLine(status))
      return 0
    }),
  )
}
