import {
  type ComparedRun,
  type ComparedValue,
  compareRuns,
  type Difference,
  type RunComparison,
} from '../../records/compare.js'
import { formatValue } from '../../records/format.js'
import type { Command } from '../commander.js'
import { commandOf } from '../commands.js'
import { withExamples } from '../help.js'
import type { ImportFlags } from '../options.js'
import { printLine } from '../output.js'
import { type FoundRecord, findRecord } from './run-location.js'
import { alignedLines } from './runs.js'
import { readResult, readText } from './show.js'

interface DiffFlags extends Pick<ImportFlags, 'project'> {
  readonly json?: true
  readonly exitCode?: true
}

/** `flambeau diff A B`. */
export function diffCommand(): Command {
  const command = commandOf('diff')
    .option('--json', 'print one JSON object')
    .option('--exit-code', 'exit with code 1 when they differ')
    .option('--no-project', 'ignore "flambeau" in package.json')
  return withExamples(command, 'flambeau diff 20261124-1616 last').action(diff)
}

async function diff(a: string, b: string, flags: DiffFlags): Promise<void> {
  const [one, other] = [await findRecord(a, flags), await findRecord(b, flags)]
  const comparison = compareRuns(await comparedRun(one), await comparedRun(other))
  if (flags.json) printLine(JSON.stringify(comparison, null, 2))
  else for (const line of linesOf(comparison)) printLine(line)
  if (flags.exitCode && sectionsOf(comparison).some(([, differences]) => differences.length > 0))
    process.exitCode = 1
}

/** A record with what is compared besides. */
export async function comparedRun(found: FoundRecord): Promise<ComparedRun> {
  const { record } = found
  return { record, patch: await readText(found, 'changes.patch'), result: await readResult(found) }
}

function sectionsOf({ options, code, packages, environment, result }: RunComparison) {
  return Object.entries({ options, code, packages, environment, result })
}

function linesOf(comparison: RunComparison): string[] {
  const { a, b } = comparison
  const changed = sectionsOf(comparison).filter(([, differences]) => differences.length > 0)
  if (changed.length === 0)
    return [`${a} and ${b} have the same options, code, packages, environment and result`]
  const same = sectionsOf(comparison).filter(([, differences]) => differences.length === 0)
  const lines = changed.flatMap(([name, differences]) => ['', name, ...rowsOf(differences)])
  const last = same.length > 0 ? ['', `The same: ${same.map(([name]) => name).join(', ')}`] : []
  return [`${a} -> ${b}`, ...lines, ...last]
}

/** The most differences of a section that are listed. */
const mostRows = 100

function rowsOf(differences: readonly Difference[]): string[] {
  const shown = differences.slice(0, mostRows)
  const isShort = ({ a, b }: Difference): boolean => [a, b].every((side) => !side || isOneWord(side))
  const rows = shown
    .filter(isShort)
    .map(({ name, a, b }) => [`  ${name === '' ? 'tag' : name}`, cell(a), '->', cell(b)])
  // Texts such as a part of a patch are too long to be compared here.
  const long = shown
    .filter((each) => !isShort(each))
    .map(
      ({ name, a, b }) => `  ${name}: ${a && b ? 'changed' : a ? 'only in the first' : 'only in the second'}`,
    )
  const rest = differences.length - mostRows
  return [...alignedLines(rows), ...long, ...(rest > 0 ? [`  ... and ${rest} more: see --json`] : [])]
}

const longest = 60

function isOneWord({ value }: ComparedValue): boolean {
  const text = formatValue(value)
  return text.length <= longest && !text.includes('\n')
}

function cell(side: ComparedValue | undefined): string {
  if (!side) return '(none)'
  return side.isDefault ? `${formatValue(side.value)} (default)` : formatValue(side.value)
}
