import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describeSize } from '../../cluster/bundle/size-limit.js'
import { isEndState } from '../../records/record.js'
import { listRuns, type RunEntry } from '../../records/runs.js'
import { isTemporary, temporaryBeside } from '../../util/atomic-write.js'
import { codeOf } from '../../util/thrown.js'
import { type Command, InvalidArgumentError, Option } from '../commander.js'
import { commandOf } from '../commands.js'
import { withExamples } from '../help.js'
import type { LogFlags } from '../log-level.js'
import type { ImportFlags } from '../options.js'
import { printLine } from '../output.js'
import { expectRuns } from './run-location.js'

interface PruneFlags extends LogFlags, Pick<ImportFlags, 'project'> {
  readonly keep?: number
  readonly days?: number
  readonly dryRun?: true
  readonly json?: true
}

/** `flambeau prune`. */
export function pruneCommand(): Command {
  const keep = new Option('--keep <number>', 'remove all but this many of the latest')
  const days = new Option('--days <number>', 'remove those that ended more than this many days ago')
  const command = commandOf('prune')
    .addOption(keep.argParser(wholeNumber))
    .addOption(days.argParser(someDays).conflicts('keep'))
    .option('-n, --dry-run', 'only list what would be removed')
    .option('--json', 'print one JSON object')
    .option('--no-project', 'ignore "flambeau" in package.json')
  return withExamples(command, 'flambeau prune --keep 100', 'flambeau prune --days 30').action(
    (flags: PruneFlags) => prune(flags, command),
  )
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number of runs, such as 100.')
}

function someDays(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value < 1e6) return value
  throw new InvalidArgumentError('It must be a number of days, such as 30.')
}

const dayMs = 86_400_000

async function prune(flags: PruneFlags, command: Command): Promise<void> {
  const { keep, days, dryRun: isDryRun, json } = flags
  if (keep === undefined && days === undefined)
    command.error('error: name what to keep: add "--keep NUMBER" or "--days NUMBER"')
  const { path } = await expectRuns(flags)
  const entries = await listRuns(path)
  const old = entries.filter(
    (entry, index) => isEndState(entry.state) && (keep === undefined ? isOlder(entry, days!) : index >= keep),
  )
  const removed: string[] = []
  let bytes = 0
  for (const { id } of old) {
    const folder = join(path, id)
    const size = await sizeOf(folder)
    if (!isDryRun && !(await removeWhole(folder))) continue
    removed.push(id)
    bytes += size
  }
  if (!isDryRun) await removeLeftovers(path)
  if (json) return printLine(JSON.stringify({ removed, bytes }, null, 2))
  const verb = isDryRun ? 'Would remove' : 'Removed'
  printLine(`${verb} ${removed.length} of ${entries.length} runs (${describeSize({ bytes })})`)
}

function isOlder({ endedAt, startedAt }: RunEntry, days: number): boolean {
  return Date.now() - Date.parse(endedAt ?? startedAt) > days * dayMs
}

// A record is there as a whole, or not at all. Returns `false` when another process has removed it.
async function removeWhole(folder: string): Promise<boolean> {
  const leaving = temporaryBeside(folder)
  try {
    await rename(folder, leaving)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
  await rm(leaving, { recursive: true, force: true })
  return true
}

/** Removes what a process has left that was killed while it created or removed a record. */
async function removeLeftovers(runs: string): Promise<void> {
  for (const name of await readdir(runs).catch(() => [])) {
    const path = join(runs, name)
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (isTemporary(name) && age > dayMs) await rm(path, { recursive: true, force: true })
  }
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
