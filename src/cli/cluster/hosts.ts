import type { Command } from '../commander.js'
import { commandOf } from '../commands.js'
import { withExamples, withForce } from '../help.js'
import {
  type ClusterFlags,
  completeClusterFlags,
  logEvent,
  useCluster,
  withClusterFile,
} from './cluster-context.js'

/** `flambeau up CLUSTER`. */
export function upCommand(): Command {
  const command = commandOf('up')
  const complete = withExamples(withClusterFile(command), 'flambeau up lab.yaml')
  return complete.action(async (file: string | undefined, flags: ClusterFlags) =>
    useCluster(
      await completeClusterFlags({ ...flags, cluster: oneCluster(file, flags, command) }, command),
      async ({ cluster, logger, signal }) => {
        // Events, not the result: if one host fails, the user still sees which hosts are ready.
        await cluster.up({
          signal,
          onEvent: (event) => {
            logEvent(event, logger)
            if (event.kind === 'ready') logger.info(`${event.host}: ready`)
            if (event.kind === 'shared' && event.run === undefined) logger.info(event.message)
          },
        })
      },
    ),
  )
}

type DownFlags = ClusterFlags & { readonly force?: true }

/** `flambeau down CLUSTER`. */
export function downCommand(): Command {
  const command = commandOf('down')
  const complete = withForce(
    withClusterFile(command),
    'cancel the runs that are active or queued; for a LocalCluster, also remove host folders that it did not create',
  )
  return withExamples(complete, 'flambeau down lab.yaml').action(
    async (file: string | undefined, flags: DownFlags) =>
      useCluster(
        await completeClusterFlags({ ...flags, cluster: oneCluster(file, flags, command) }, command),
        async ({ cluster, logger }) => {
          await cluster.down({ force: flags.force ?? false })
          logger.info(`Removed cluster "${cluster.name}" from its hosts`)
        },
      ),
  )
}

/** The cluster that an operand or `--cluster` names. */
function oneCluster(file: string | undefined, flags: ClusterFlags, command: Command): string | undefined {
  if (file === undefined || flags.cluster === undefined) return file ?? flags.cluster
  const message = `error: two clusters are named, "${file}" and "${flags.cluster}": name one`
  return command.error(message)
}
