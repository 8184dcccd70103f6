import { type Command, Option } from 'commander'

/** Adds `--import MODULE`, which may be given several times. */
export function withImports(command: Command): Command {
  const option = new Option(
    '-i, --import <module>',
    'import a module that registers classes (may be repeated)',
  )
  return command.addOption(option.argParser(several).default([], 'none'))
}

function several(value: string, before: readonly string[]): string[] {
  return [...before, value]
}
