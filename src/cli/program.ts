import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { nearest } from '../registry/suggest.js'
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
import { groups, guidesHelp, withExamples } from './help.js'
import { initCommand } from './init.js'
import { quietOption } from './log-level.js'
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
    // Without "[options]", which all have, the list fits into 80 columns.
    .configureHelp({ subcommandTerm: termOf })
    .commandsGroup('Help:')
    .helpCommand(true)
  const grouped = [
    [groups.start, [initCommand()]],
    [groups.files, [runCommand(), checkCommand(), resolveCommand()]],
    [groups.clusters, [upCommand(), downCommand(), planCommand()]],
    [groups.clusters, [runsCommand(), statusCommand(), logsCommand(), waitCommand()]],
    [groups.clusters, [cancelCommand(), fetchCommand()]],
    [groups.sweeps, [reportCommand()]],
    [groups.extensions, [extensionsCommand(), lockCommand()]],
    [groups.editors, [tagsCommand(), schemaCommand(), completionCommand()]],
  ] as const
  for (const [group, commands] of grouped)
    for (const command of commands) root.addCommand(withQuiet(command).helpGroup(group))
  withExamples(root, "flambeau run train.yaml 'rate=0.01' --import ./train.js")
  return root
    .addHelpText('after', guidesHelp())
    .on('command:*', (operands: string[], flags: string[]) => refuseUnknown([...operands, ...flags], root))
}

function termOf(command: Command): string {
  const names = command.registeredArguments.map((argument) => {
    const name = argument.name() + (argument.variadic ? '...' : '')
    return argument.required ? `<${name}>` : `[${name}]`
  })
  return [command.name(), ...names].join(' ')
}

function withQuiet(command: Command): Command {
  if (command.commands.length === 0) command.addOption(quietOption())
  for (const each of command.commands) withQuiet(each)
  return command
}

function refuseUnknown([name = '', ...rest]: readonly string[], root: Command): void {
  const isFile = /\.ya?ml$/.test(name) || existsSync(name)
  if (isFile) {
    const command = repeatCommand(['run', name, ...rest])
    root.error(`error: "${name}" is a file, not a command: to run it, type "${command}"`)
  }
  const meant = nearest(
    name,
    root.commands.map((each) => each.name()),
  )
  const suggestion = meant === undefined ? '' : `\n(Did you mean ${meant}?)`
  root.error(`error: unknown command '${name}'${suggestion}`, { code: 'commander.unknownCommand' })
}
