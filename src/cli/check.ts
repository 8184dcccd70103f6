import { Command, Option } from 'commander'
import type { Variables } from '../document/compose/env-file.js'
import { type FlambeauError, isFlambeauError, type Problem } from '../errors.js'
import { paintOn, StderrLogger } from '../logger.js'
import { reportProblems } from '../problem-report.js'
import { checkFile } from '../runnable/check-file.js'
import { mistakeCode } from '../util/exit-codes.js'
import { printable } from '../util/printable.js'
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

interface CheckFlags extends AllowFlags, EnvFileFlags, ExtensionFlags, ImportFlags, IncludeFlags {
  json?: true
  format: Format
}

/** `flambeau check FILE...`. */
export function checkCommand(): Command {
  const command = new Command('check')
    .description('report all problems in YAML files, without running them')
    .argument('<file...>', 'the YAML files; with one file, also overrides such as "rate=0.1"')
    .addOption(
      new Option('--format <format>', 'the output format')
        .choices(['text', 'json', 'github'])
        .default('text'),
    )
    .option('--json', 'print one JSON array, the same as --format json')
  return withExtensions(withAllow(withIncludes(withEnvFile(withImports(command))))).action(checkFiles)
}

async function checkFiles(operands: string[], flags: CheckFlags, command: Command): Promise<void> {
  const { files, set } = severalFiles(operands, command)
  const logger = new StderrLogger()
  const options = { ...flags, set, env: await environmentOf(flags), logger }
  const problems = await problemsInOrder(files, options)
  if (problems.length > 0) process.exitCode = mistakeCode
  const shown = flags.format === 'github' && !flags.json ? inFiles(problems, files[0]!, set) : problems
  printers[flags.json ? 'json' : flags.format](shown)
  if (problems.length === 0)
    logger.info(`No problems in ${files.length === 1 ? 'the file' : `${files.length} files`}`)
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
    await Promise.all(group.map(async (file) => found.set(file, await problemsOf(file, options))))
  }
  return files.flatMap((file) => found.get(file)!)
}

async function problemsOf(file: string, options: CheckOptions): Promise<Problem[]> {
  const onWarning = (warning: Problem): void => options.logger.warn(reportProblems([warning]))
  try {
    return await checkFile(file, { ...options, onWarning })
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
