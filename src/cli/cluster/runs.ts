import { Command } from 'commander'
import type { RunStatus } from '../../cluster/wire/protocol.js'
import { printLine } from '../print-line.js'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

/** `flambeau runs`. */
export function runsCommand(): Command {
  const command = new Command('runs')
    .description('list the runs of a cluster, the latest first')
    .option('--json', 'print them as one JSON array')
  return withClusterFile(command).action((flags: ClusterFlags & { json?: true }) =>
    atCluster(flags, async ({ cluster, logger }) => {
      const runs = await cluster.runs()
      if (flags.json) printLine(JSON.stringify(runs, null, 2))
      else for (const run of runs) printLine(inOneLine(run))
      if (runs.length === 0 && !flags.json) logger.info(`Cluster "${cluster.name}" has no runs yet`)
      return 0
    }),
  )
}

/** A run as a line of a list. */
export function inOneLine({ id, state, file, startedAt, exitCode, signal }: RunStatus): string {
  const how = signal ?? (exitCode ? `exit code ${exitCode}` : '')
  return [id, state.padEnd(9), startedAt.slice(0, 19).replace('T', ' '), file, how].join('  ').trimEnd()
}
