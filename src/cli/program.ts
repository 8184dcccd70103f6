import { existsSync } from 'node:fs'
import { nearest } from '../registry/suggest.js'
import { callOf, repeatCommand, setCall } from '../util/repeat-command.js'
import { version } from '../version.js'
import { Command } from './commander.js'
import { type CommandName, commandNames, commandOf, completeName } from './commands.js'
import { guidesHelp, withExamples } from './help.js'
import { quietOption } from './log-level.js'

/** Loads the options and the action of each command. */
const loaders: Readonly<Record<CommandName, () => Promise<Command>>> = {
  init: async () => (await import('./init.js')).initCommand(),
  run: async () => (await import('./run.js')).runCommand(),
  check: async () => (await import('./check.js')).checkCommand(),
  resolve: async () => (await import('./resolve.js')).resolveCommand(),
  up: async () => (await import('./cluster/hosts.js')).upCommand(),
  down: async () => (await import('./cluster/hosts.js')).downCommand(),
  plan: async () => (await import('./cluster/plan.js')).planCommand(),
  runs: async () => (await import('./records/runs.js')).runsCommand(),
  show: async () => (await import('./records/show.js')).showCommand(),
  diff: async () => (await import('./records/diff.js')).diffCommand(),
  rerun: async () => (await import('./records/rerun.js')).rerunCommand(),
  status: async () => (await import('./cluster/runs.js')).statusCommand(),
  logs: async () => (await import('./cluster/runs.js')).logsCommand(),
  wait: async () => (await import('./cluster/runs.js')).waitCommand(),
  cancel: async () => (await import('./cluster/runs.js')).cancelCommand(),
  fetch: async () => (await import('./cluster/runs.js')).fetchCommand(),
  prune: async () => (await import('./records/prune.js')).pruneCommand(),
  view: async () => (await import('./view.js')).viewCommand(),
  report: async () => (await import('./report.js')).reportCommand(),
  extensions: async () => (await import('./extensions.js')).extensionsCommand(),
  lock: async () => (await import('./extensions.js')).lockCommand(),
  lsp: async () => (await import('./tags.js')).lspCommand(),
  tags: async () => (await import('./tags.js')).tagsCommand(),
  types: async () => (await import('./types.js')).typesCommand(),
  schema: async () => (await import('./tags.js')).schemaCommand(),
  completion: async () => (await import('./completion/completion.js')).completionCommand(),
}

/** Calls the command that the words of a call name. */
export async function callProgram(words: readonly string[]): Promise<void> {
  setCall(callOf(words))
  const [name, ...rest] = words
  if (name !== completeName) {
    // Commander calls no other: what comes before is options.
    const called = words.find(isCommand)
    await (await programWith(called === undefined ? [] : [called])).parseAsync()
  } else {
    const { printCandidates } = await import('./completion/completion.js')
    // The words of an unfinished command are no options of this one.
    await printCandidates(await programWith(commandNames), rest)
  }
}

function isCommand(word: string): word is CommandName {
  return (commandNames as readonly string[]).includes(word)
}

/** The command line: with the commands that are called, or with the names and descriptions of all. */
async function programWith(called: readonly CommandName[]): Promise<Command> {
  if (called.length > 0) await addTags()
  const root = new Command('flambeau')
    .description('Run what a YAML file describes')
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help to list the options)')
    // Without "[options]", which all have, the list fits into 80 columns.
    .configureHelp({ subcommandTerm: termOf })
    .helpCommand(false)
  for (const name of called) root.addCommand(withOverrideHint(withQuiet(await loaders[name]())))
  // Where no command is called, the help may list them.
  if (called.length === 0) for (const name of commandNames) root.addCommand(withQuiet(commandOf(name)))
  root.addCommand(helpCommand(root).helpGroup('Help:'))
  withExamples(root, "flambeau run train.yaml 'rate=0.01' --import ./train.ts")
  return root
    .addHelpText('after', guidesHelp())
    .on('command:*', (operands: string[], flags: string[]) => refuseUnknown([...operands, ...flags], root))
}

/** Lets files use all tags of this package. */
async function addTags(): Promise<void> {
  const { addOwnTags } = await import('../registry/own-tags.js')
  await addOwnTags({
    flambeau: () => import('../index.js'),
    'flambeau/cluster': () => import('../cluster/index.js'),
    'flambeau/pool': () => import('../pool/index.js'),
  })
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
  const meant = nearest(name, [...commandNames, 'help'])
  const suggestion = meant === undefined ? '' : `\n(Did you mean ${meant}?)`
  root.error(`error: unknown command '${name}'${suggestion}`, { code: 'commander.unknownCommand' })
}
