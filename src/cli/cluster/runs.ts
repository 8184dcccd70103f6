import { Command, InvalidArgumentError, Option } from 'commander'
import type { RunStatus } from '../../cluster/protocol/messages.js'
import { withExamples, withForce } from '../help.js'
import { copyToOutput, printLine } from '../output.js'
import { type ClusterFlags, completeClusterFlags, useCluster, withClusterFile } from './cluster-context.js'
import { followRun, type ReconnectFlags, reportRunEnd, withReconnect } from './follow.js'

/** An id, as in messages and lists. */
const exampleId = '20261124-161622-5f3a'

/** `flambeau runs`. */
export function runsCommand(): Command {
  const command = new Command('runs')
    .description('list the runs of a cluster, latest first')
    .option('--json', 'print one JSON array')
  const complete = withExamples(withClusterFile(command), 'flambeau runs -c lab.yaml')
  return complete.action(async (flags: ClusterFlags & { json?: true }) =>
    useCluster(await completeClusterFlags(flags, command), async ({ cluster, logger }) => {
      const runs = await cluster.runs()
      if (flags.json) printLine(JSON.stringify(runs, null, 2))
      else for (const run of runs) printLine(runLine(run))
      if (runs.length === 0 && !flags.json) logger.info(`Cluster "${cluster.name}" has no runs yet`)
    }),
  )
}

/** Formats a run as one line. */
function runLine({ id, state, file, startedAt, exitCode, signal }: RunStatus): string {
  const result = signal ?? (exitCode ? `exit code ${exitCode}` : '')
  return [id, state.padEnd(9), startedAt.slice(0, 19).replace('T', ' '), file, result].join('  ').trimEnd()
}

/** `flambeau status ID`. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description('show the status of a run')
    .argument('<id>', 'the id of the run')
    .option('--json', 'print JSON')
  const complete = withExamples(withClusterFile(command), `flambeau status ${exampleId} -c lab.yaml`)
  return complete.action(async (id: string, flags: ClusterFlags & { json?: true }) =>
    useCluster(await completeClusterFlags(flags, command), async ({ cluster }) => {
      const status = await cluster.attach(id).status()
      printLine(flags.json ? JSON.stringify(status, null, 2) : runLine(status))
    }),
  )
}

interface LogsFlags extends ClusterFlags, ReconnectFlags {
  readonly follow?: true
  readonly tail?: number
}

/** `flambeau logs ID`. */
export function logsCommand(): Command {
  const tail = new Option('-n, --tail <lines>', 'start with this many of the last lines')
  const command = new Command('logs')
    .description('print the output of a run, byte for byte')
    .argument('<id>', 'the id of the run')
    .option('-f, --follow', 'follow the output until the run ends')
    .addOption(tail.argParser(lineCount))
  const complete = withReconnect(withClusterFile(command))
  return withExamples(complete, `flambeau logs ${exampleId} --follow --tail 20 -c lab.yaml`).action(
    async (id: string, flags: LogsFlags) =>
      useCluster(await completeClusterFlags(flags, command), (context) =>
        followRun({ id, flags }, context, async (options) => {
          const { follow = false, tail } = flags
          await copyToOutput(context.cluster.attach(id).logs({ ...options, follow, tail }))
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
    .description('wait until a run ends, print its result, and exit with its exit code')
    .argument('<id>', 'the id of the run')
  const complete = withReconnect(withClusterFile(command))
  return withExamples(complete, `flambeau wait ${exampleId} -c lab.yaml`).action(
    async (id: string, flags: ClusterFlags & ReconnectFlags) =>
      useCluster(await completeClusterFlags(flags, command), (context) =>
        followRun({ id, flags }, context, async (options) =>
          reportRunEnd(await context.cluster.attach(id).wait(options), context.logger),
        ),
      ),
  )
}

/** `flambeau cancel ID`. */
export function cancelCommand(): Command {
  const command = new Command('cancel')
    .description('cancel a run, and end all processes that it started')
    .argument('<id>', 'the id of the run')
  const complete = withExamples(withClusterFile(command), `flambeau cancel ${exampleId} -c lab.yaml`)
  return complete.action(async (id: string, flags: ClusterFlags) =>
    useCluster(await completeClusterFlags(flags, command), async ({ cluster, logger }) => {
      const { state } = await cluster.attach(id).cancel()
      logger.info(state === 'cancelled' ? `Cancelled run ${id}` : `Run ${id} had already ended (${state})`)
    }),
  )
}

type FetchFlags = ClusterFlags & { readonly force?: true }

/** `flambeau fetch ID PATH DEST`. */
export function fetchCommand(): Command {
  const command = new Command('fetch')
    .description('copy a file or folder of a run to this machine')
    .argument('<id>', 'the id of the run')
    .argument('<path>', 'the path on the host; a relative one starts at the working folder of the run')
    .argument('<dest>', 'the path on this machine; other files in a folder stay')
  const complete = withForce(withClusterFile(command), 'replace files that differ')
  return withExamples(complete, `flambeau fetch ${exampleId} model.bin . -c lab.yaml`).action(
    async (id: string, path: string, dest: string, flags: FetchFlags) =>
      useCluster(await completeClusterFlags(flags, command), async ({ cluster, logger }) => {
        await cluster.attach(id).fetch(path, dest, { force: flags.force })
        logger.info(`Copied "${path}" to "${dest}"`)
      }),
  )
}
