import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Tag } from '../registry/tag.js'
import type { SecretsDialect } from '../runnable/secrets/read-secrets.js'

/** Adds `--import MODULE`, which may be given several times. */
export function withImports(command: Command): Command {
  const option = new Option('--import <module>', 'import a module that registers classes (may be repeated)')
  return command.addOption(option.argParser(several).default([], 'none'))
}

/** What {@link withSecrets} adds. */
export interface SecretsFlags {
  readonly secrets?: string
  readonly secretsDialect?: SecretsDialect
}

/** Adds `--secrets FILE` and how that file is read. */
export function withSecrets(command: Command): Command {
  const dialect = new Option('--secrets-dialect <dialect>', 'how the INI file is read')
  return command
    .option('-s, --secrets <file>', 'an INI file of secrets')
    .addOption(dialect.choices(['python', 'ini']))
}

/** What {@link withExtensions} adds. */
export interface ExtensionFlags {
  installExtensions?: true
  downloadExtensions: boolean
  frozen?: true
  allowScripts: string[]
}

/** Adds what a command that imports extensions takes. */
export function withExtensions(command: Command): Command {
  const scripts = new Option('--allow-scripts <extension>', 'let install scripts build it (may be repeated)')
  return command
    .option('-i, --install-extensions', 'install the extensions that are not installed')
    .option('--no-download-extensions', 'fetch nothing from other machines')
    .option('--frozen', 'refuse extensions that are not as the lock says')
    .addOption(scripts.argParser(several).default([], 'none'))
}

/** What {@link withAllow} adds. */
export interface AllowFlags {
  readonly allow?: readonly Tag[]
}

/** Adds `--allow TAG`, which may be given several times. */
export function withAllow(command: Command): Command {
  const option = new Option(
    '--allow <tag>',
    'refuse a file whose top node has another tag, before its extensions are imported (may be repeated)',
  )
  return command.addOption(option.argParser(severalTags))
}

function severalTags(value: string, before: readonly string[] | undefined): string[] {
  if (!value.startsWith('!'))
    throw new InvalidArgumentError(`A tag begins with "!": type --allow '!${value}'`)
  return several(value, before ?? [])
}

function several(value: string, before: readonly string[]): string[] {
  return [...before, value]
}
