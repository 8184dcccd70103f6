import { Command } from 'commander'
import type { HostReport } from '../../cluster/bring-up/events.js'
import { withImports } from '../options.js'
import { atCluster, type ClusterFlags } from './with-cluster.js'

/** `flambeau up CLUSTER`. */
export function upCommand(): Command {
  const command = new Command('up')
    .description('make every host of a cluster ready, and say what was done on which')
    .argument('<cluster>', 'the YAML file of the cluster')
    .option('-s, --secrets <file>', 'an INI file of secrets')
  return withImports(command).action((file: string, flags: Omit<ClusterFlags, 'cluster'>) =>
    atCluster({ ...flags, cluster: file }, async ({ cluster, logger, signal }) => {
      for (const report of await cluster.up({ signal })) logger.info(lineOf(report))
      return 0
    }),
  )
}

function lineOf({ host, role, did }: HostReport): string {
  return `${host} (${role}): ${did.length === 0 ? 'ready' : `ready, ${did.join(', ')}`}`
}
