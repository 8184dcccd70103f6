import { Command } from 'commander'
import { version } from '../version.js'
import { checkCommand } from './check.js'
import { reportCommand } from './report.js'
import { runCommand } from './run.js'
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
    .addCommand(reportCommand())
}
