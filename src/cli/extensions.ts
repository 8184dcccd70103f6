import { Command, InvalidArgumentError } from 'commander'
import type { Resolved } from '../extensions/index.js'
import { SafeExecutionContext } from '../runnable/context.js'
import { StderrLogger } from '../runnable/logger.js'
import {
  type ListedExtension,
  listExtensions,
  lockExtensions,
  pruneExtensions,
} from '../runnable/manage-extensions.js'
import { interruptedCode, mistakeCode } from '../util/exit-codes.js'
import { printable } from '../util/printable.js'
import { whileInterruptible } from './interrupt.js'
import { type ExtensionFlags, withExtensions } from './options.js'
import { printLine } from './output.js'

/** `flambeau extensions list FILE`, `flambeau extensions prune`. */
export function extensionsCommand(): Command {
  return new Command('extensions')
    .description('show the extensions of a file, or remove installed ones')
    .addCommand(listCommand())
    .addCommand(pruneCommand())
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list the extensions of a runnable file: where each comes from, what that is now, its tags')
    .argument('<file>', 'the YAML file')
    .option('--json', 'print them as one JSON array')
  return withExtensions(command).action(list)
}

async function list(file: string, { json, ...flags }: ExtensionFlags & { json?: true }): Promise<void> {
  const logger = new StderrLogger()
  const extensions = await listExtensions(file, { ...flags, logger })
  if (extensions.length === 0) logger.info(printable(`"${file}" declares no extensions`))
  if (json) printLine(JSON.stringify(extensions, null, 2))
  else for (const extension of extensions) print(extension)
  if (extensions.some(({ problem }) => problem !== undefined)) process.exitCode = mistakeCode
}

function print({ name, source, resolved, folder, tags, problem }: ListedExtension): void {
  printLine(`${name}: ${source}`)
  if (resolved) printLine(`  ${shortly(resolved)}, in ${folder}`)
  for (const tag of tags) printLine(`  ${tag}`)
  if (problem) printLine(`  ${problem}`)
}

// Long hashes are for machines.
function shortly({ commit, version, integrity }: Resolved): string {
  if (commit !== undefined) return `commit ${commit.slice(0, 10)}`
  return version ?? integrity?.slice(0, 20) ?? 'as it is'
}

function pruneCommand(): Command {
  return new Command('prune')
    .description('remove installed extensions that nobody has used for a while')
    .option('--days <days>', 'for how many days nobody has used them', count, 30)
    .option('--all', 'remove all of them')
    .action(prune)
}

function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Write a number of days, such as 30')
  return Number(text)
}

async function prune({ days, all }: { days: number; all?: true }): Promise<void> {
  const { removed, bytes } = await pruneExtensions({ days: all ? 0 : days })
  const size = `${(bytes / 1_000_000).toFixed(1)} MB`
  console.log(`Removed ${removed} ${removed === 1 ? 'extension' : 'extensions'}, ${size}`)
}

/** `flambeau lock FILE`. */
export function lockCommand(): Command {
  return new Command('lock')
    .description('write what the extensions of a file resolve to now, into a lock beside it')
    .argument('<file>', 'the YAML file')
    .action(lock)
}

async function lock(file: string): Promise<void> {
  const logger = new StderrLogger()
  const context = new SafeExecutionContext(file)
  const { outcome, interrupted } = await whileInterruptible(
    logger,
    (signal) => context.run(() => lockExtensions(file, { logger, signal }), { logger, signal }),
    'Interrupted: waiting for git and npm to end (once more to end at once)',
  )
  if (outcome.ok) logger.info(`Wrote "${outcome.value}"`)
  process.exitCode = interrupted ? interruptedCode : outcome.exitCode
}
