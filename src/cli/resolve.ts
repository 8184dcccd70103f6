import type { Problem } from '../errors.js'
import { StderrLogger } from '../logger.js'
import { reportProblems } from '../problem-report.js'
import { resolveFile } from '../runnable/resolve-file.js'
import { printable } from '../util/printable.js'
import type { Command } from './commander.js'
import { commandOf } from './commands.js'
import { withExamples } from './help.js'
import { readInput } from './input.js'
import { type LogFlags, levelOf } from './log-level.js'
import { oneFile } from './operands.js'
import {
  type EnvFileFlags,
  type ExtensionFlags,
  environmentOf,
  type ImportFlags,
  type IncludeFlags,
  withEnvFile,
  withExtensions,
  withImports,
  withIncludes,
} from './options.js'
import { printLine } from './output.js'
import { completeSettings, importSettings } from './settings.js'

interface ResolveFlags extends EnvFileFlags, ExtensionFlags, ImportFlags, IncludeFlags, LogFlags {
  blame?: true
  json?: true
}

/** `flambeau resolve FILE`. */
export function resolveCommand(): Command {
  const command = commandOf('resolve')
    .option('--blame', 'print the file and line that each line comes from beside it')
    .option('--json', 'print one JSON object with the text, and the origin of each value')
  const complete = withExtensions(withIncludes(withEnvFile(withImports(command))))
  return withExamples(complete, "flambeau resolve train.yaml 'optimizer.rate=0.01' --blame").action(
    (file: string, operands: string[], flags: ResolveFlags, self: Command) =>
      resolve(oneFile([file, ...operands], self), flags),
  )
}

async function resolve({ file, set }: ReturnType<typeof oneFile>, flags: ResolveFlags): Promise<void> {
  const logger = new StderrLogger(levelOf(flags))
  const settings = await completeSettings(flags, { files: [file], uses: [], logger })
  const { path, ...given } = await readInput(file)
  await importSettings(settings)
  const onWarning = (warning: Problem): void => logger.warn(reportProblems([warning]))
  const resolved = await resolveFile(path, {
    ...flags,
    ...given,
    set,
    env: await environmentOf(flags),
    logger,
    onWarning,
  })
  const { text, origins } = resolved
  if (flags.json) printLine(JSON.stringify({ text, origins }, null, 2))
  else if (flags.blame) printLine(resolved.blame())
  // What is redirected to a file must be the text itself.
  else process.stdout.write(process.stdout.isTTY ? printable(text) : text)
}
