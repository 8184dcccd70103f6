import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { repeatCommand } from '../util/repeat-command.js'
import { version } from '../version.js'
import { checkCommand } from './check.js'
import { downCommand, upCommand } from './cluster/hosts.js'
import { planCommand } from './cluster/plan.js'
import {
  cancelCommand,
  fetchCommand,
  logsCommand,
  runsCommand,
  statusCommand,
  waitCommand,
} from './cluster/runs.js'
import { completionCommand } from './completion/completion.js'
import { extensionsCommand, lockCommand } from './extensions.js'
import { initCommand } from './init.js'
import { reportCommand } from './report.js'
import { resolveCommand } from './resolve.js'
import { runCommand } from './run.js'
import { schemaCommand, tagsCommand } from './tags.js'

/** The command line: every command parses its options and calls the library. */
export function program(): Command {
  const root = new Command('flambeau')
    .description('Run what a YAML file describes')
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help to list the options)')
    .addCommand(initCommand())
    .addCommand(runCommand())
    .addCommand(checkCommand())
    .addCommand(resolveCommand())
    .addCommand(tagsCommand())
    .addCommand(upCommand())
    .addCommand(downCommand())
    .addCommand(planCommand())
    .addCommand(runsCommand())
    .addCommand(statusCommand())
    .addCommand(logsCommand())
    .addCommand(waitCommand())
    .addCommand(cancelCommand())
    .addCommand(fetchCommand())
    .addCommand(schemaCommand())
    .addCommand(extensionsCommand())
    .addCommand(lockCommand())
    .addCommand(reportCommand())
    .addCommand(completionCommand())
  return root.on('command:*', ([name = '']: string[]) => refuseUnknown(name, root))
}

function refuseUnknown(name: string, root: Command): void {
  const isFile = /\.ya?ml$/.test(name) || existsSync(name)
  if (isFile)
    root.error(`error: "${name}" is a file, not a command: to run it, type "${repeatCommand(['run', name])}"`)
    // The default of commander, which suggests the nearest command.
  ;(root as unknown as { unknownCommand(): void }).unknownCommand()
}
