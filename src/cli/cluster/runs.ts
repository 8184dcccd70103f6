import { pipeline } from 'node:stream/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { RunStatus } from '../../cluster/protocol/messages.js'
import { printLine } from '../output.js'
import { type ClusterFlags, useCluster, withClusterFile } from './cluster-context.js'
import { followRun, type ReconnectFlags, reportRunEnd, withReconnect } from './follow.js'

/** `flambeau runs`. */
export function runsCommand(): Command {
  const command = new Command('runs')
    .description('list the runs of a cluster, the latest first')
    .option('--json', 'print them as one JSON array')
  return withClusterFile(command).action((flags: ClusterFlags & { json?: true }) =>
    useCluster(flags, async ({ cluster, logger }) => {
      const runs = await cluster.runs()
      if (flags.json) printLine(JSON.stringify(runs, null, 2))
      else for (const run of runs) printLine(runLine(run))
      if (runs.length === 0 && !flags.json) logger.info(`Cluster "${cluster.name}" has no runs yet`)
      return 0
    }),
  )
}

/** A run as a line of a list. */
function runLine({ id, state, file, startedAt, exitCode, signal }: RunStatus): string {
  const how = signal ?? (exitCode ? `exit code ${exitCode}` : '')
  return [id, state.padEnd(9), startedAt.slice(0, 19).replace('T', ' '), file, how].join('  ').trimEnd()
}

/** `flambeau status ID`. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description('say how a run is doing')
    .argument('<id>', 'the id of the run')
    .option('--json', 'print it as JSON')
  return withClusterFile(command).action((id: string, flags: ClusterFlags & { json?: true }) =>
    useCluster(flags, async ({ cluster }) => {
      const status = await cluster.attach(id).status()
      printLine(flags.json ? JSON.stringify(status, null, 2) : runLine(status))
      return 0
    }),
  )
}

interface LogsFlags extends ClusterFlags, ReconnectFlags {
  readonly follow?: true
  readonly tail?: number
}

/** `flambeau logs ID`. */
export function logsCommand(): Command {
  const tail = new Option('-n, --tail <lines>', 'begin with so many of the last lines')
  const command = new Command('logs')
    .description('print what a run has written, byte for byte')
    .argument('<id>', 'the id of the run')
    .option('-f, --follow', 'go on until the run is over')
    .addOption(tail.argParser(lineCount))
  return withReconnect(withClusterFile(command)).action((id: string, flags: LogsFlags) =>
    useCluster(flags, (at) =>
      followRun({ id, file: flags.cluster, flags }, at, async (options) => {
        const { follow = false, tail } = flags
        const log = at.cluster.attach(id).logs({ ...options, follow, tail })
        await pipeline(log, process.stdout, { end: false })
        return 0
      }),
    ),
  )
}

function lineCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of lines, such as 100.')
}

/** `flambeau wait ID`. */
export function waitCommand(): Command {
  const command = new Command('wait')
    .description('wait until a run is over; print its result, and exit as it did')
    .argument('<id>', 'the id of the run')
  return withReconnect(withClusterFile(command)).action((id: string, flags: ClusterFlags & ReconnectFlags) =>
    useCluster(flags, (at) =>
      followRun({ id, file: flags.cluster, flags }, at, async (options) =>
        reportRunEnd(await at.cluster.attach(id).wait(options), at.logger),
      ),
    ),
  )
}

/** `flambeau cancel ID`. */
export function cancelCommand(): Command {
  const command = new Command('cancel')
    .description('end a run, and all that it has started')
    .argument('<id>', 'the id of the run')
  return withClusterFile(command).action((id: string, flags: ClusterFlags) =>
    useCluster(flags, async ({ cluster, logger }) => {
      const { state } = await cluster.attach(id).cancel()
      logger.info(state === 'cancelled' ? `Run ${id} is cancelled` : `Run ${id} was over already (${state})`)
      return 0
    }),
  )
}

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
    useCluster(flags, async ({ cluster, logger }) => {
      await cluster.attach(id).fetch(path, dest, { force: flags.force })
      logger.info(`"${path}" is in "${dest}"`)
      return 0
    }),
  )
}
