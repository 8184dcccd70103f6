import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../util/paths.js'
import { type Command, Option } from './commander.js'

/** Adds examples to the end of the help of a command, each a command line. */
export function withExamples(command: Command, ...lines: readonly string[]): Command {
  const title = lines.length === 1 ? 'Example:' : 'Examples:'
  return command.addHelpText('after', ['', title, ...lines.map((line) => `  ${line}`)].join('\n'))
}

type Group = 'start' | 'files' | 'runs' | 'clusters' | 'extensions' | 'editors'

/** The groups of commands in the help of the program. */
export const groups: Readonly<Record<Group, string>> = {
  start: 'Begin:',
  files: 'Files:',
  runs: 'Runs:',
  clusters: 'Clusters:',
  extensions: 'Extensions:',
  editors: 'Tags, editors and shells:',
}

/** The end of the help: where the guides are installed. */
export function guidesHelp(): string {
  const folder = join(packageRoot(), 'docs')
  return existsSync(folder) ? `\nGuides, beginning with start-here.md:\n  ${folder}` : ''
}

/** Adds `--force`. Its former short form is refused with what to type: "-f" is "--follow" only. */
export function withForce(command: Command, description: string): Command {
  const former = new Option('-f').hideHelp()
  return command
    .option('--force', description)
    .addOption(former)
    .on('option:f', () => command.error('error: "-f" is no option of this command: type "--force"'))
}
