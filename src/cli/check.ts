import type { Variables } from '../document/compose/env-file.js'
import { type FlambeauError, isFlambeauError, type Problem } from '../errors.js'
import { paintOn, StderrLogger } from '../logger.js'
import { reportProblems } from '../problem-report.js'
import { checkFile } from '../runnable/check-file.js'
import { mapLimited } from '../util/concurrency.js'
import { mistakeCode } from '../util/exit-codes.js'
import { printable } from '../util/printable.js'
import { type Command, Option } from './commander.js'
import { commandOf } from './commands.js'
import { type FoundFiles, findFiles, maxOpenFiles, namesSeveral } from './find-files.js'
import { withExamples } from './help.js'
import { readInput } from './input.js'
import { type LogFlags, levelOf } from './log-level.js'
import { severalFiles } from './operands.js'
import {
  type AllowFlags,
  type EnvFileFlags,
  type ExtensionFlags,
  environmentOf,
  type ImportFlags,
  type IncludeFlags,
  withAllow,
  withEnvFile,
  withExtensions,
  withImports,
  withIncludes,
} from './options.js'
import { printLine } from './output.js'
import { completeSettings, groupFiles, importSettings } from './settings.js'

type Format = 'text' | 'json' | 'github'

interface CheckFlags extends AllowFlags, EnvFileFlags, ExtensionFlags, ImportFlags, IncludeFlags, LogFlags {
  json?: true
  format: Format
}

/** `flambeau check FILE...`. */
export function checkCommand(): Command {
  const command = commandOf('check')
    .addOption(
      new Option('--format <format>', 'the output format')
        .choices(['text', 'json', 'github'])
        .default('text'),
    )
    .option('--json', 'print one JSON array, the same as --format json')
    .option('-v, --verbose', 'log more')
  return withExamples(
    withExtensions(withAllow(withIncludes(withEnvFile(withImports(command))))),
    'flambeau check train.yaml --import ./train.js',
    "flambeau check configs 'jobs/**/*.yaml' --import ./train.js",
  ).action(checkFiles)
}

async function checkFiles(operands: string[], flags: CheckFlags, command: Command): Promise<void> {
  const { files: named, set } = severalFiles(operands, command)
  if (set.length > 0) await expectFile(named[0]!, command)
  const logger = new StderrLogger(levelOf(flags))
  const { files, skipped, problems: unfound } = await findAll(named)
  if (skipped > 0) logger.debug(`Skipped ${countFiles(skipped)} without a tag at the top`)
  const options = { ...flags, set, env: await environmentOf(flags), logger }
  const problems = [...unfound, ...(await problemsInOrder(files, options))]
  if (problems.length > 0) process.exitCode = mistakeCode
  const shown = flags.format === 'github' && !flags.json ? inFiles(problems, named[0]!, set) : problems
  printers[flags.json ? 'json' : flags.format](shown)
  if (problems.length === 0)
    logger.info(`No problems in ${files.length === 1 ? 'the file' : countFiles(files.length)}`)
}

function countFiles(count: number): string {
  return count === 1 ? '1 file' : `${count} files`
}

async function expectFile(operand: string, command: Command): Promise<void> {
  if (!(await namesSeveral(operand))) return
  command.error(`error: overrides change one file, but "${operand}" may have several: name the file`)
}

/** What operands name; a folder or pattern without a runnable file is a problem. */
interface Found extends FoundFiles {
  readonly problems: readonly Problem[]
}

async function findAll(operands: readonly string[]): Promise<Found> {
  const all = await Promise.all(operands.map(findOrExplain))
  return {
    files: [...new Set(all.flatMap(({ files }) => files))],
    skipped: all.reduce((sum, { skipped }) => sum + skipped, 0),
    problems: all.flatMap(({ problems }) => problems),
  }
}

async function findOrExplain(operand: string): Promise<Found> {
  try {
    return { ...(await findFiles(operand)), problems: [] }
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    return { files: [], skipped: 0, problems: [unreadable(operand, error)] }
  }
}

interface CheckOptions extends CheckFlags {
  readonly set: readonly string[]
  readonly env: Variables
  readonly logger: StderrLogger
}

// The files of strangers come first: the modules of the project are not imported yet.
async function problemsInOrder(files: readonly string[], options: CheckOptions): Promise<Problem[]> {
  const { inside, outside } = await groupFiles(files, options.project)
  const found = new Map<string, Problem[]>()
  for (const group of [outside, inside]) {
    if (group.length === 0) continue
    const settings = await completeSettings(options, { files: group, uses: [], logger: options.logger })
    await importSettings(settings)
    await mapLimited(group, maxOpenFiles, async (file) => found.set(file, await problemsOf(file, options)))
  }
  return files.flatMap((file) => found.get(file)!)
}

async function problemsOf(file: string, options: CheckOptions): Promise<Problem[]> {
  const onWarning = (warning: Problem): void => options.logger.warn(reportProblems([warning]))
  try {
    const { path, ...given } = await readInput(file)
    return await checkFile(path, { ...options, ...given, onWarning })
  } catch (error) {
    if (!isFlambeauError(error)) throw error
    return [unreadable(file, error)]
  }
}

function unreadable(file: string, { code, message }: FlambeauError): Problem {
  return { code, message, file, line: 1, column: 1, endLine: 1, endColumn: 1, frame: '' }
}

const printers: Record<Format, (problems: readonly Problem[]) => void> = {
  text: printText,
  json: (problems) => printLine(JSON.stringify(problems, null, 2)),
  github: (problems) => {
    for (const problem of problems) console.log(githubAnnotation(problem))
  },
}

function printText(found: readonly Problem[]): void {
  const paint = paintOn(process.stdout)
  const problems = found.filter(({ frame }) => frame !== '')
  // The problem of a file that cannot be read has no lines to show.
  for (const { frame, message } of found) if (frame === '') console.error(printable(message))
  for (const file of new Set(problems.map((problem) => problem.file)))
    console.log(
      `${reportProblems(
        problems.filter((problem) => problem.file === file),
        paint,
      )}\n`,
    )
}

// A pull request has no lines of arguments: a problem of one is shown at what the argument replaces, or at the top of the file.
function inFiles(problems: readonly Problem[], top: string, set: readonly string[]): Problem[] {
  return problems.map((problem) => {
    const [, number] = /^<argument (\d+)>$/.exec(problem.file) ?? []
    if (number === undefined) return problem
    const { related = [] } = problem
    const replaced = related.find((each) => each.message === 'replaces')
    const { file, line, column } = replaced ?? { file: top, line: 1, column: 1 }
    const message = `${problem.message}\nin argument ${number}: ${set[Number(number) - 1]}`
    const rest = related.filter((each) => each !== replaced)
    return { ...problem, file, line, column, endLine: line, endColumn: column, message, related: rest }
  })
}

/**
 * Formats a problem for GitHub Actions, which shows it at its line in a pull request
 * (https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message).
 */
function githubAnnotation(problem: Problem): string {
  const { file, line, column, endLine, endColumn, code, message, related = [] } = problem
  const location = { file, line, col: column, endLine, endColumn, title: code }
  const properties = Object.entries(location).map(
    ([name, value]) => `${name}=${escaped(printable(String(value))).replace(/[:,]/g, percent)}`,
  )
  const way = related.map((each) => `${each.message} ${each.file}:${each.line}:${each.column}`)
  return `::error ${properties.join(',')}::${escaped(printable([message, ...way].join('\n')))}`
}

function escaped(text: string): string {
  return text.replace(/[%\r\n]/g, percent)
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
