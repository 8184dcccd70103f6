import type { RunStatus } from '../../cluster/protocol/messages.js'
import { readProject } from '../../project.js'
import { formatDuration, formatTime } from '../../records/format.js'
import { listRuns, type RunEntry, runIds } from '../../records/runs.js'
import { repeatCommand } from '../../util/repeat-command.js'
import {
  type ClusterFlags,
  completeClusterFlags,
  useCluster,
  withClusterFile,
} from '../cluster/cluster-context.js'
import { withExitCode } from '../cluster/follow.js'
import { type Command, InvalidArgumentError, Option } from '../commander.js'
import { commandOf } from '../commands.js'
import { withExamples } from '../help.js'
import { printLine } from '../output.js'
import { currentRuns, expectRuns, fromHere, loggerOf } from './run-location.js'

interface RunsFlags extends ClusterFlags {
  readonly json?: true
  readonly all?: true
  readonly limit?: number
}

/** How many runs a list has, unless it is asked for more. */
const defaultLimit = 20

/** `flambeau runs`. */
export function runsCommand(): Command {
  const limit = new Option('-n, --limit <number>', `list this many of the latest (default: ${defaultLimit})`)
  const command = commandOf('runs')
    .addOption(limit.argParser(count))
    .option('-a, --all', 'list all')
    .option('--json', 'print one JSON array; of all runs, unless --limit is given')
  const complete = withExamples(withClusterFile(command), 'flambeau runs')
  return complete.action(async (flags: RunsFlags) => {
    const runs = (await isOnCluster(flags)) ? undefined : await expectRuns(flags)
    if (runs) await listRecords(runs.path, flags)
    else await listCluster(flags, command)
  })
}

/** Whether a cluster is asked: the one that is named, or that of a project which records nothing. */
async function isOnCluster(flags: RunsFlags): Promise<boolean> {
  if (flags.cluster !== undefined) return true
  if (await currentRuns(flags)) return false
  return flags.project && (await readProject())?.cluster !== undefined
}

function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of runs, such as 100.')
}

async function listRecords(folder: string, flags: RunsFlags): Promise<void> {
  const shown = flags.limit ?? (flags.all || flags.json ? undefined : defaultLimit)
  const entries = await listRuns(folder, shown)
  if (flags.json) return printEntries(entries)
  for (const line of alignedLines(entries.map(cellsOf))) printLine(line)
  const logger = loggerOf(flags)
  if (entries.length === 0)
    logger.info(`There is no run in "${fromHere(folder)}" yet: "flambeau run" records one`)
  const rest = shown === undefined ? 0 : (await runIds(folder)).length - shown
  if (rest > 0) logger.info(`${rest} more: "${repeatCommand(['runs', '--all'])}" lists them`)
}

// One line a run, and no search for characters that a terminal would act on when there is none: there may be thousands.
function printEntries(entries: readonly RunEntry[]): void {
  const text =
    entries.length === 0 ? '[]' : `[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]`
  if (process.stdout.isTTY) printLine(text)
  else console.log(text)
}

function cellsOf(entry: RunEntry): string[] {
  const { id, state, startedAt, endedAt, file, set, cluster, waitsFor } = entry
  const took = endedAt === undefined ? '' : formatDuration(Date.parse(endedAt) - Date.parse(startedAt))
  const where = cluster === undefined ? '' : `on ${cluster}`
  const waits = waitsFor === undefined ? '' : `waits for ${waitsFor}`
  return [
    id,
    state,
    formatTime(startedAt),
    took,
    file,
    [...set, where, waits, outcomeOf(entry)].filter(Boolean).join('  '),
  ]
}

function outcomeOf({ reason, signal, exitCode }: Partial<RunEntry> & Pick<RunStatus, 'signal'>): string {
  return reason ?? signal ?? (exitCode ? `exit code ${exitCode}` : '')
}

/** Lines whose cells stand below each other. */
export function alignedLines(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}

async function listCluster(flags: RunsFlags, command: Command): Promise<void> {
  await useCluster(await completeClusterFlags(flags, command), async ({ cluster, logger }) => {
    const runs = (await cluster.runs()).slice(0, flags.limit).map(withExitCode)
    if (flags.json) printLine(JSON.stringify(runs, null, 2))
    else for (const run of runs) printLine(statusLine(run))
    if (runs.length === 0 && !flags.json) logger.info(`Cluster "${cluster.name}" has no runs yet`)
    return undefined
  })
}

/** Formats the status of a run on a cluster as one line. */
export function statusLine(status: RunStatus): string {
  const { id, state, file, startedAt, waitsFor } = status
  const result = waitsFor === undefined ? outcomeOf(status) : `waits for ${waitsFor}`
  return [id, state.padEnd(9), startedAt.slice(0, 19).replace('T', ' '), file, result].join('  ').trimEnd()
}
