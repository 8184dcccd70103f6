import { Command } from 'commander'
import { reportProblems } from '../problem-report.js'
import { StderrLogger } from '../runnable/logger.js'
import { resolveFile } from '../runnable/resolve-file.js'
import { printable } from '../util/printable.js'
import { importModules } from './import-modules.js'
import { type ExtensionFlags, withExtensions, withImports } from './options.js'
import { printLine } from './output.js'

interface ResolveFlags extends ExtensionFlags {
  import: string[]
  blame?: true
  json?: true
}

/** `flambeau resolve FILE`. */
export function resolveCommand(): Command {
  const command = new Command('resolve')
    .description('print a file, with what it includes and its overrides, as one file')
    .argument('<file>', 'the YAML file')
    .option('--blame', 'print the file and line that each line comes from beside it')
    .option('--json', 'print one JSON object with the text, and the origin of each value')
  return withExtensions(withImports(command)).action(resolve)
}

async function resolve(file: string, flags: ResolveFlags): Promise<void> {
  const logger = new StderrLogger()
  await importModules(flags.import)
  const onWarning = (warning: Parameters<typeof reportProblems>[0][number]): void =>
    logger.warn(reportProblems([warning]))
  const resolved = await resolveFile(file, { ...flags, logger, onWarning })
  const { text, origins } = resolved
  if (flags.json) printLine(JSON.stringify({ text, origins }, null, 2))
  else if (flags.blame) printLine(resolved.blame())
  // What is redirected to a file must be the text itself.
  else process.stdout.write(process.stdout.isTTY ? printable(text) : text)
}
