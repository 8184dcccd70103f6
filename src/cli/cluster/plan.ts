import { Command } from 'commander'
import { runFile } from '../../runnable/run-file.js'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

/** `flambeau plan FILE`. */
export function planCommand(): Command {
  const command = new Command('plan')
    .description('say what running a file on a cluster would do, without doing it')
    .argument('<file>', 'the YAML file of the runnable')
  return withClusterFile(command).action((file: string, flags: ClusterFlags) =>
    atCluster(flags, async ({ cluster, logger, signal }) => {
      const { secrets } = flags
      const checked = await runFile(file, {
        dryRun: true,
        logger,
        signal,
        ...(secrets === undefined ? {} : { secrets }),
      })
      if (!checked.ok) return checked.exitCode
      for (const { host, role, would } of await cluster.plan({ signal }))
        console.log(`${host} (${role}): ${would.length === 0 ? 'ready' : `would ${would.join(', ')}`}`)
      const sections = cluster.options.secrets ?? []
      console.log(
        `would run "${file}" on ${cluster.orchestrator.name}${sections.length === 0 ? ', without secrets' : `, with the secrets of ${sections.map((name) => `[${name}]`).join(' ')}`}`,
      )
      return 0
    }),
  )
}
