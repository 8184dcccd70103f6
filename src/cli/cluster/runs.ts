import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { LocalHost } from '../../cluster/host/local-host.js'
import type { RunStatus } from '../../cluster/protocol/messages.js'
import { isConnectionLoss } from '../../cluster/run/reconnect.js'
import type { RemoteRun } from '../../cluster/run/remote-run.js'
import { isFlambeauError } from '../../errors.js'
import { isEndState, type RunRecord } from '../../records/record.js'
import { unavailableCode, unreachableCode } from '../../util/exit-codes.js'
import { omitUndefined } from '../../util/plain-object.js'
import { messageOf } from '../../util/thrown.js'
import { type Command, InvalidArgumentError, Option } from '../commander.js'
import { commandOf } from '../commands.js'
import { withExamples, withForce } from '../help.js'
import type { LogFlags } from '../log-level.js'
import { type ReconnectFlags, withReconnect } from '../options.js'
import { copyToOutput, printLine, printResult } from '../output.js'
import { interruptRun, readLog, waitForEnd } from '../records/local-run.js'
import { type FoundRecord, locateRun, loggerOf, type RunLocation } from '../records/run-location.js'
import { statusLine } from '../records/runs.js'
import { exampleId, readResult } from '../records/show.js'
import {
  type ClusterContext,
  type ClusterFlags,
  completeClusterFlags,
  useCluster,
  withClusterFile,
} from './cluster-context.js'
import { followRun, jsonLines, reportRunEnd, withExitCode } from './follow.js'
import { endRecord, syncRecord } from './sync-record.js'

/** `flambeau status ID`. */
export function statusCommand(): Command {
  const command = commandOf('status').option('--json', 'print JSON')
  return withExamples(withClusterFile(command), `flambeau status ${exampleId}`).action(
    async (wanted: string, flags: ClusterFlags & { json?: true }) => {
      const run = await locateRun(wanted, flags)
      const print = (status: RunStatus): void =>
        printLine(flags.json ? JSON.stringify(status, null, 2) : statusLine(status))
      if (!run.cluster) return print(localStatus(run.found.record))
      await useRun(run, command, async (remote) => print(withExitCode(await remote.status())))
    },
  )
}

function localStatus({ id, state, file, startedAt, endedAt, exitCode, reason }: RunRecord): RunStatus {
  return { id, state, file, startedAt, ...omitUndefined({ endedAt, exitCode, reason }) } as RunStatus
}

/** Uses a run on its cluster, and brings its record up to date. */
async function useRun(
  { id, cluster: flags, found }: RunLocation & { cluster: ClusterFlags },
  command: Command,
  body: (run: RemoteRun, context: ClusterContext) => Promise<unknown>,
): Promise<void> {
  await useCluster(await completeClusterFlags(flags, command), async (context) => {
    const run = context.cluster.attach(id)
    try {
      const exitCode = await body(run, context)
      // A host that is out of reach now was just asked in vain: a later command brings the record up to date.
      if (found && exitCode !== unreachableCode) await syncQuietly(run, { folder: found.folder, context })
      return typeof exitCode === 'number' ? exitCode : undefined
    } catch (error) {
      if (found && isGone(error, found, context)) await endRecord({ folder: found.folder, context })
      throw error
    }
  })
}

// The command itself has done what it was asked for.
async function syncQuietly(run: RemoteRun, record: Parameters<typeof syncRecord>[1]): Promise<void> {
  await syncRecord(run, record).catch((error: unknown) => {
    if (!isConnectionLoss(error)) throw error
    record.context.logger.warn(`The record of run ${run.id} is not up to date: ${messageOf(error)}`)
  })
}

// Another cluster than that of the record knows nothing of its runs.
function isGone(error: unknown, { record }: FoundRecord, { cluster }: ClusterContext): boolean {
  const { name, orchestrator } = record.cluster!
  const isSame = name === cluster.name && orchestrator === cluster.orchestrator.name
  return isSame && isFlambeauError(error) && error.code === 'RUN_NOT_FOUND'
}

interface LogsFlags extends ClusterFlags, ReconnectFlags {
  readonly follow?: true
  readonly json?: true
  readonly tail?: number
}

/** `flambeau logs ID`. */
export function logsCommand(): Command {
  const tail = new Option('-n, --tail <lines>', 'start with this many of the last lines')
  const command = commandOf('logs')
    .option('-f, --follow', 'follow the output until the run ends')
    .addOption(tail.argParser(lineCount))
    .option('--json', 'print one JSON object for each line: message, and level and time if it has them')
  const complete = withReconnect(withClusterFile(command))
  return withExamples(complete, `flambeau logs ${exampleId} --follow --tail 20`).action(
    async (wanted: string, flags: LogsFlags) => {
      const { follow = false, tail } = flags
      const run = await locateRun(wanted, flags)
      if (!run.cluster) return printLog(readLog(run.found, { follow, tail }), flags)
      await useRun(run, command, (remote, context) =>
        followRun({ id: run.id, flags }, context, async (options) => {
          await printLog(remote.logs({ ...options, follow, tail }), flags)
          return 0
        }),
      )
    },
  )
}

function printLog(log: Readable, { json }: LogsFlags): Promise<void> {
  return copyToOutput(json ? Readable.from(jsonLines(log)) : log)
}

function lineCount(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of lines, such as 100.')
}

/** `flambeau wait ID`. */
export function waitCommand(): Command {
  const command = commandOf('wait')
  return withExamples(withReconnect(withClusterFile(command)), `flambeau wait ${exampleId}`).action(
    async (wanted: string, flags: ClusterFlags & ReconnectFlags) => {
      const run = await locateRun(wanted, flags)
      if (!run.cluster) return waitHere(run.found, flags)
      await useRun(run, command, (remote, context) =>
        followRun({ id: run.id, flags }, context, async (options) =>
          reportRunEnd(await remote.wait(options), context.logger),
        ),
      )
    },
  )
}

async function waitHere(found: FoundRecord, flags: LogFlags): Promise<void> {
  const { state, exitCode, error, id } = await waitForEnd(found)
  if (state === 'succeeded') printResult(await readResult(found))
  else loggerOf(flags).warn(error ?? `Run ${id} is ${state}`)
  process.exitCode = exitCode ?? (state === 'lost' ? unavailableCode : 1)
}

/** `flambeau cancel ID`. */
export function cancelCommand(): Command {
  const command = commandOf('cancel')
  return withExamples(withClusterFile(command), `flambeau cancel ${exampleId}`).action(
    async (wanted: string, flags: ClusterFlags) => {
      const run = await locateRun(wanted, flags)
      if (!run.cluster) return cancelHere(run.found, flags)
      await useRun(run, command, async (remote, { logger }) => {
        const { state } = await remote.cancel()
        if (!isEndState(state)) {
          logger.error(`Run ${run.id} is not cancelled: it is ${state}`)
          return unavailableCode
        }
        logger.info(
          state === 'cancelled' ? `Cancelled run ${run.id}` : `Run ${run.id} had already ended (${state})`,
        )
        return 0
      })
    },
  )
}

async function cancelHere(found: FoundRecord, flags: LogFlags): Promise<void> {
  const { id, state } = found.record
  const isCancelled = await interruptRun(found)
  loggerOf(flags).info(isCancelled ? `Cancelled run ${id}` : `Run ${id} had already ended (${state})`)
}

type FetchFlags = ClusterFlags & { readonly force?: true }

/** `flambeau fetch ID PATH DEST`. */
export function fetchCommand(): Command {
  const command = commandOf('fetch')
  const complete = withClusterFile(command)
  return withExamples(
    withForce(complete, 'replace files that differ'),
    `flambeau fetch ${exampleId} model.bin .`,
  ).action(async (wanted: string, path: string, dest: string, flags: FetchFlags) => {
    const run = await locateRun(wanted, flags)
    const options = { force: flags.force }
    const report = (): void => loggerOf(flags).info(`Copied "${path}" to "${dest}"`)
    const fromRecord = async (): Promise<void> => {
      await using host = new LocalHost('this machine', run.found!.folder)
      await host.fetch(path, dest, options)
    }
    if (run.cluster)
      await useRun(run, command, async (remote) => {
        await remote.fetch(path, dest, options).catch(async (error) => {
          if (!run.found || !isRecorded(path, run.found) || !isMissing(error)) throw error
          await fromRecord()
        })
        report()
      })
    else if (isRecorded(path, run.found)) await fromRecord().then(report)
    else command.error(ranHere(run.found.record))
  })
}

/** Whether a path is the name of a file in the record of a run. */
function isRecorded(path: string, { folder }: FoundRecord): boolean {
  return path === basename(path) && existsSync(join(folder, path))
}

function isMissing(error: unknown): boolean {
  return isFlambeauError(error) && error.code === 'HOST_NO_FILE'
}

function ranHere({ id, folder }: RunRecord): string {
  return `error: run ${id} ran on this machine: its files are in "${folder}"`
}
