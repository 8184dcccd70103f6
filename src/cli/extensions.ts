import type { Resolved } from '../extensions/index.js'
import { StderrLogger } from '../logger.js'
import { SafeExecutionContext } from '../runnable/context.js'
import {
  type ListedExtension,
  listExtensions,
  lockExtensions,
  pruneExtensions,
} from '../runnable/manage-extensions.js'
import { mistakeCode } from '../util/exit-codes.js'
import { printable } from '../util/printable.js'
import { Command, InvalidArgumentError } from './commander.js'
import { commandOf } from './commands.js'
import { withExamples } from './help.js'
import { runInterruptibly } from './interrupt.js'
import { type LogFlags, levelOf } from './log-level.js'
import { type ExtensionFlags, withExtensions } from './options.js'
import { printLine } from './output.js'

/** `flambeau extensions list FILE`, `flambeau extensions prune`. */
export function extensionsCommand(): Command {
  return commandOf('extensions').addCommand(listCommand()).addCommand(pruneCommand())
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list the extensions of a runnable file, each with its source, version and tags')
    .argument('<file>', 'the YAML file')
    .option('--json', 'print one JSON array')
  return withExamples(withExtensions(command), 'flambeau extensions list job.yaml').action(list)
}

async function list(
  file: string,
  { json, ...flags }: ExtensionFlags & LogFlags & { json?: true },
): Promise<void> {
  const logger = new StderrLogger(levelOf(flags))
  const extensions = await listExtensions(file, { ...flags, logger })
  if (extensions.length === 0) logger.info(printable(`"${file}" declares no extensions`))
  if (json) printLine(JSON.stringify(extensions, null, 2))
  else for (const extension of extensions) print(extension)
  if (extensions.some(({ problem }) => problem !== undefined)) process.exitCode = mistakeCode
}

function print({ name, source, resolved, folder, tags, problem }: ListedExtension): void {
  printLine(`${name}: ${source}`)
  if (resolved) printLine(`  ${shortVersion(resolved)}, in ${folder}`)
  for (const tag of tags) printLine(`  ${tag}`)
  if (problem) printLine(`  ${problem}`)
}

// A person does not need the whole hash.
function shortVersion({ commit, version, integrity }: Resolved): string {
  if (commit !== undefined) return `commit ${commit.slice(0, 10)}`
  return version ?? integrity?.slice(0, 20) ?? 'as it is'
}

function pruneCommand(): Command {
  const command = new Command('prune')
    .description('remove installed extensions that are no longer used')
    .option('--days <days>', 'remove extensions that were not used for this many days', dayCount, 30)
    .option('--all', 'remove all installed extensions')
  return withExamples(command, 'flambeau extensions prune --days 7').action(prune)
}

function dayCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a number of days, such as 30.')
  return Number(text)
}

async function prune({ days, all }: { days: number; all?: true }): Promise<void> {
  const { removed, bytes } = await pruneExtensions({ days: all ? 0 : days })
  const size = `${(bytes / 1_000_000).toFixed(1)} MB`
  console.log(`Removed ${removed} ${removed === 1 ? 'extension' : 'extensions'}, ${size}`)
}

/** `flambeau lock FILE`. */
export function lockCommand(): Command {
  const command = commandOf('lock')
  return withExamples(command, 'flambeau lock job.yaml').action(lock)
}

async function lock(file: string, flags: LogFlags): Promise<void> {
  const logger = new StderrLogger(levelOf(flags))
  const context = new SafeExecutionContext(file)
  await runInterruptibly(
    logger,
    async (signal) => {
      const outcome = await context.run(() => lockExtensions(file, { logger, signal }), { logger, signal })
      if (outcome.ok) logger.info(`Wrote "${outcome.value}"`)
      return outcome.exitCode
    },
    'Interrupted: waiting for git and npm to exit (press Ctrl-C again to exit at once)',
  )
}
