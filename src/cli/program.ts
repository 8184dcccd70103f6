import { Command } from 'commander'
import { version } from '../version.js'
import { checkCommand } from './check.js'
import { cancelCommand } from './cluster/cancel.js'
import { downCommand } from './cluster/down.js'
import { fetchCommand } from './cluster/fetch.js'
import { logsCommand } from './cluster/logs.js'
import { planCommand } from './cluster/plan.js'
import { runsCommand } from './cluster/runs.js'
import { statusCommand } from './cluster/status.js'
import { upCommand } from './cluster/up.js'
import { waitCommand } from './cluster/wait.js'
import { extensionsCommand } from './extensions.js'
import { lockCommand } from './lock.js'
import { reportCommand } from './report.js'
import { runCommand } from './run.js'
import { schemaCommand } from './schema.js'
import { tagsCommand } from './tags.js'

/** The command line: every command is a thin face over a call of the library. */
export function program(): Command {
  return new Command('flambeau')
    .description('Run what a YAML file describes')
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for the options)')
    .addCommand(runCommand())
    .addCommand(checkCommand())
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
}
