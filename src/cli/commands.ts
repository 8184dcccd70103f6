import { Command } from './commander.js'
import { groups } from './help.js'

/** An argument: its flags as commander writes them, its description, and its default. */
type ArgumentWords = readonly [flags: string, description: string, fallback?: string]

/** What the help of the program says of a command. Its options and its action are loaded when it is called. */
interface CommandWords {
  readonly group: string
  readonly description: string
  readonly arguments: readonly ArgumentWords[]
}

/** The line of help about overrides. */
const overrides: ArgumentWords = [
  '[override...]',
  'changes: "PATH=VALUE" sets an option, "PATH+=VALUE" appends an item, "~PATH" removes',
]
const file: ArgumentWords = ['<file>', 'the YAML file; "-" for standard input']
const runId: ArgumentWords = ['<id>', 'the id of the run, the beginning of it, or "last"']
const cluster: ArgumentWords = ['[cluster]', 'the YAML file of the cluster (default: that of the project)']
const runOrFolder = 'the id of a run, the beginning of it, "last", or the "output" folder of a sweep'

/** The name of a command. */
export type CommandName =
  | 'init'
  | 'run'
  | 'check'
  | 'resolve'
  | 'up'
  | 'down'
  | 'plan'
  | 'runs'
  | 'show'
  | 'diff'
  | 'rerun'
  | 'status'
  | 'logs'
  | 'wait'
  | 'cancel'
  | 'fetch'
  | 'prune'
  | 'view'
  | 'report'
  | 'extensions'
  | 'lock'
  | 'lsp'
  | 'tags'
  | 'types'
  | 'schema'
  | 'completion'

/** All commands, in the order of the help. */
const commands: Readonly<Record<CommandName, CommandWords>> = {
  init: {
    group: groups.start,
    description:
      'write a small project that runs: a class in TypeScript, a YAML file that names it, and a test; overwrites nothing',
    arguments: [['[folder]', 'the folder of the project; it is created if it does not exist', '.']],
  },
  run: {
    group: groups.files,
    description: 'run a runnable file; the result goes to standard output, progress to standard error',
    arguments: [file, overrides],
  },
  check: {
    group: groups.files,
    description: 'report all problems in YAML files, without running them',
    arguments: [
      [
        '<file...>',
        'YAML files, "-" for standard input, and folders and patterns whose runnable files are checked; with one file, also overrides such as "rate=0.1"',
      ],
    ],
  },
  resolve: {
    group: groups.files,
    description: 'print a file, with what it includes and its overrides, as one file',
    arguments: [file, overrides],
  },
  up: {
    group: groups.clusters,
    description: 'prepare the hosts of a cluster, and log what is done',
    arguments: [cluster],
  },
  down: {
    group: groups.clusters,
    description: 'remove everything of a cluster from its hosts',
    arguments: [cluster],
  },
  plan: {
    group: groups.clusters,
    description: 'show what running a file on a cluster would do, without doing it',
    arguments: [['<file>', 'the YAML file of the runnable; "-" for standard input'], overrides],
  },
  runs: {
    group: groups.runs,
    description: 'list the recorded runs, or with --cluster those of a cluster, latest first',
    arguments: [],
  },
  show: {
    group: groups.runs,
    description: 'show the record of a run, or one option of it',
    arguments: [runId, ['[path]', 'the path of an option, such as "optimizer.rate"']],
  },
  diff: {
    group: groups.runs,
    description: 'compare two runs: options with their defaults, code, packages, environment, results',
    arguments: [
      ['<a>', 'the id of a run, the beginning of it, or "last"'],
      ['[b]', 'another one', 'last'],
    ],
  },
  rerun: {
    group: groups.runs,
    description: 'run the file of a recorded run again, with its modules, secrets file and folder',
    arguments: [runId, overrides],
  },
  status: { group: groups.runs, description: 'show the status of a run', arguments: [runId] },
  logs: { group: groups.runs, description: 'print the output of a run, byte for byte', arguments: [runId] },
  wait: {
    group: groups.runs,
    description: 'wait until a run ends, print its result, and exit with its exit code',
    arguments: [runId],
  },
  cancel: {
    group: groups.runs,
    description: 'cancel a run, queued or active, and end all processes that it started',
    arguments: [runId],
  },
  fetch: {
    group: groups.runs,
    description: 'copy a file or folder of a run to this machine',
    arguments: [
      runId,
      [
        '<path>',
        'the path on the host, which starts at the working folder of the run; or a file of its record, such as run.yaml',
      ],
      ['<dest>', 'the path on this machine; other files in a folder stay'],
    ],
  },
  prune: { group: groups.runs, description: 'remove records of runs that have ended', arguments: [] },
  view: {
    group: groups.runs,
    description: 'open a page with the recorded runs, live until Ctrl-C',
    arguments: [['[run]', runOrFolder]],
  },
  report: {
    group: groups.runs,
    description: 'write the page of a run as one HTML file, which needs no network',
    arguments: [['<run>', runOrFolder]],
  },
  extensions: {
    group: groups.extensions,
    description: 'list the extensions of a file, or remove installed extensions',
    arguments: [],
  },
  lock: {
    group: groups.extensions,
    description: 'pin the extensions of a file in a lock file beside it',
    arguments: [['<file>', 'the YAML file']],
  },
  lsp: {
    group: groups.editors,
    description: 'serve an editor, in the Language Server Protocol on standard input and output',
    arguments: [],
  },
  tags: { group: groups.editors, description: 'list the tags that files can use', arguments: [] },
  types: {
    group: groups.editors,
    description: 'write the types of the tags, for "load(text, { expect: \'!Train\' })" in TypeScript',
    arguments: [['[file]', 'the file to write (default: "flambeau.d.ts" beside package.json)']],
  },
  schema: {
    group: groups.editors,
    description: 'print a JSON Schema of the files, which editors use to complete and validate them',
    arguments: [],
  },
  completion: {
    group: groups.editors,
    description: 'print a script that completes commands, options, tags, and the paths of a file',
    arguments: [['<shell>', 'the shell']],
  },
}

/** The name of the hidden command that the scripts of shells call to complete words. */
export const completeName = '__complete'

/** The names of all commands, in the order of the help. */
export const commandNames: readonly CommandName[] = Object.keys(commands) as CommandName[]

/** Creates a command with its description and its arguments, without options. */
export function commandOf(name: CommandName): Command {
  const words = commands[name]
  const command = new Command(name).description(words.description).helpGroup(words.group)
  for (const [flags, description, fallback] of words.arguments) command.argument(flags, description, fallback)
  return command
}
