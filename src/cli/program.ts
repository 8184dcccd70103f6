import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { nearest } from '../registry/suggest.js'
import { repeatCommand } from '../util/repeat-command.js'
import { version } from '../version.js'
import { checkCommand } from './check.js'
import { downCommand, upCommand } from './cluster/hosts.js'
import { planCommand } from './cluster/plan.js'
import { cancelCommand, fetchCommand, logsCommand, statusCommand, waitCommand } from './cluster/runs.js'
import { completionCommand } from './completion/completion.js'
import { extensionsCommand, lockCommand } from './extensions.js'
import { groups, guidesHelp, withExamples } from './help.js'
import { initCommand } from './init.js'
import { quietOption } from './log-level.js'
import { diffCommand } from './records/diff.js'
import { pruneCommand } from './records/prune.js'
import { rerunCommand } from './records/rerun.js'
import { runsCommand } from './records/runs.js'
import { showCommand } from './records/show.js'
import { reportCommand } from './report.js'
import { resolveCommand } from './resolve.js'
import { runCommand } from './run.js'
import { lspCommand, schemaCommand, tagsCommand } from './tags.js'
import { typesCommand } from './types.js'
import { viewCommand } from './view.js'

/** The command line: every command parses its options and calls the library. */
export function program(): Command {
  const root = new Command('flambeau')
    .description('Run what a YAML file describes')
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help to list the options)')
    // Without "[options]", which all have, the list fits into 80 columns.
    .configureHelp({ subcommandTerm: termOf })
    .helpCommand(false)
  const grouped = [
    [groups.start, [initCommand()]],
    [groups.files, [runCommand(), checkCommand(), resolveCommand()]],
    [groups.clusters, [upCommand(), downCommand(), planCommand()]],
    [groups.runs, [runsCommand(), showCommand(), diffCommand(), rerunCommand()]],
    [groups.runs, [statusCommand(), logsCommand(), waitCommand(), cancelCommand(), fetchCommand()]],
    [groups.runs, [pruneCommand()]],
    [groups.runs, [viewCommand(), reportCommand()]],
    [groups.extensions, [extensionsCommand(), lockCommand()]],
    [groups.editors, [lspCommand(), tagsCommand(), typesCommand(), schemaCommand(), completionCommand()]],
  ] as const
  for (const [group, commands] of grouped)
    for (const command of commands) root.addCommand(withOverrideHint(withQuiet(command)).helpGroup(group))
  root.addCommand(helpCommand(root).helpGroup('Help:'))
  withExamples(root, "flambeau run train.yaml 'rate=0.01' --import ./train.ts")
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

/** Says how to set an option of the file to those who write it as a flag of a command that takes overrides. */
function withOverrideHint(command: Command): Command {
  if (!command.registeredArguments.some((argument) => argument.name() === 'override')) return command
  return command.configureOutput({
    outputError: (text, write) => {
      const [, path] = /^error: unknown option '--([\w.-]+)(?:=.*)?'$/s.exec(text.trim()) ?? []
      write(path === undefined ? text : `${text}(to set an option of the file, write "${path}=VALUE")\n`)
    },
  })
}

// The one of commander answers an unknown name with the help of the program.
function helpCommand(root: Command): Command {
  return new Command('help')
    .description('display help for command')
    .argument('[command]', 'the command')
    .action((name: string | undefined) => {
      if (name === undefined) return root.help()
      const command = root.commands.find((each) => each.name() === name)
      return command ? command.help() : refuseUnknown([name], root)
    })
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
