import { type Variables, variablesWith } from '../document/compose/env-file.js'
import type { Tag } from '../registry/tag.js'
import { type Needs, needsMistake, parseNeeds } from '../runnable/needs.js'
import type { SecretsDialect } from '../runnable/secrets/read-secrets.js'
import { type Command, InvalidArgumentError, Option } from './commander.js'

/** What {@link withImports} adds. */
export interface ImportFlags {
  readonly import: readonly string[]
  /** `false` for `--no-project`. */
  readonly project: boolean
}

/** Adds `--import MODULE`, which can be repeated, and `--no-project`. */
export function withImports(command: Command): Command {
  const option = new Option('--import <module>', 'import a module that registers classes (can be repeated)')
  return command
    .addOption(option.argParser(several).default([], 'none'))
    .option('--no-project', 'ignore "flambeau" in package.json')
}

/** What {@link withSecrets} adds. */
export interface SecretsFlags {
  /** `false` for `--no-secrets`. */
  readonly secrets?: string | false
  readonly secretsDialect?: SecretsDialect
}

/** Adds `--secrets FILE`, `--no-secrets` and `--secrets-dialect`. */
export function withSecrets(command: Command): Command {
  const dialect = new Option('--secrets-dialect <dialect>', 'the dialect of the INI file')
  return command
    .option(
      '-s, --secrets <file>',
      'the INI file with the secrets; "-" for standard input, "env:PREFIX_" for the variables PREFIX_SECTION__KEY (default: those of the project, else ~/.flambeau/secrets.ini, if it exists)',
    )
    .option('--no-secrets', 'read no secrets')
    .addOption(dialect.choices(['python', 'ini']))
}

/** What {@link withEnvFile} adds. */
export interface EnvFileFlags {
  readonly envFile: readonly string[]
}

// Node 20 refuses a missing file itself (exit code 9), wherever the option stands, before this program begins.

/** Adds `--env-file FILE`, which can be repeated; {@link environmentOf} reads the files. */
export function withEnvFile(command: Command): Command {
  const option = new Option(
    '--env-file <file>',
    'read variables for "!env" from a file, as Node does (can be repeated)',
  )
  return command.addOption(option.argParser(several).default([], 'none'))
}

/** The variables that `!env` sees: those of the process, and those of the files. */
export function environmentOf({ envFile }: EnvFileFlags): Promise<Variables> {
  return variablesWith(envFile)
}

/** What {@link withSend} adds. */
export interface SendFlags {
  readonly send: readonly string[]
}

/** Adds `--send PATH`, which can be repeated. */
export function withSend(command: Command): Command {
  const option = new Option(
    '--send <path>',
    'send a file, a folder, or what a pattern matches with the run (can be repeated)',
  )
  return command.addOption(option.argParser(several).default([], 'none'))
}

/** What {@link withExtensions} adds. */
export interface ExtensionFlags {
  installExtensions?: true
  downloadExtensions: boolean
  frozen?: true
  allowScripts: string[]
}

/** Adds the options of commands that import extensions. */
export function withExtensions(command: Command): Command {
  const scripts = new Option(
    '--allow-scripts <extension>',
    'allow the install scripts of an extension (can be repeated)',
  )
  return command
    .option('-i, --install-extensions', 'install extensions that are not installed')
    .option('--no-download-extensions', 'do not download extensions')
    .option('--frozen', 'refuse extensions that differ from the lock')
    .addOption(scripts.argParser(several).default([], 'none'))
}

/** What {@link withIncludes} adds. */
export interface IncludeFlags {
  readonly includeRoot?: string
}

/** Adds `--include-root DIR`. */
export function withIncludes(command: Command): Command {
  return command.option(
    '--include-root <folder>',
    'the folder outside which no file is included (default: that of the package.json)',
  )
}

/** What {@link withAllow} adds. */
export interface AllowFlags {
  readonly allow?: readonly Tag[]
}

/** Adds `--allow TAG`, which can be repeated. */
export function withAllow(command: Command): Command {
  const option = new Option(
    '--allow <tag>',
    'refuse a file whose top node has another tag, before its extensions are imported (can be repeated)',
  )
  return command.addOption(option.argParser(severalTags))
}

function severalTags(value: string, before: readonly string[] | undefined): string[] {
  if (!value.startsWith('!'))
    throw new InvalidArgumentError(`A tag starts with "!": type --allow '!${value}'`)
  return several(value, before ?? [])
}

/** Parses an option that can be repeated. */
function several(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

/** Adds `--no-record`. */
export function withRecord(command: Command): Command {
  return command.option('--no-record', 'do not keep this run in ".flambeau/runs" of the project')
}

/** Creates `--events`. */
export function eventsOption(): Option {
  return new Option('--events', 'print what happens as JSON lines, the result among them').conflicts('json')
}

/** Creates `--queue`. */
export function queueOption(): Option {
  return new Option('--queue', 'with --cluster: start after the runs that are active or queued there')
}

/** What {@link withReconnect} adds. */
export interface ReconnectFlags {
  readonly reconnectTimeout?: number
}

/** Adds `--reconnect-timeout SECONDS`. */
export function withReconnect(command: Command): Command {
  const option = new Option(
    '--reconnect-timeout <seconds>',
    'how long to try to reconnect after the connection is lost (default: 600)',
  )
  return command.addOption(option.argParser(seconds))
}

/** What {@link withNeeds} adds. */
export interface NeedsFlags {
  readonly needs?: Needs
}

/** Adds `--needs NEEDS`. */
export function withNeeds(command: Command): Command {
  const option = new Option(
    '--needs <needs>',
    'what the run needs of its host, such as gpus=1,memory=8GB, in place of the "static needs" of its class',
  )
  return command.addOption(option.argParser(needsOption))
}

function needsOption(text: string): Needs {
  const needs = parseNeeds(text)
  const mistake = needsMistake(needs)
  if (mistake === undefined) return needs
  throw new InvalidArgumentError(`It ${mistake}.`)
}

/** What {@link withSeed} adds. */
export interface SeedFlags {
  readonly seed?: number
}

/** Adds `--seed NUMBER`. */
export function withSeed(command: Command): Command {
  const option = new Option('--seed <number>', 'the seed of the run: "seed" of its run options')
  return command.addOption(option.argParser(seedNumber))
}

function seedNumber(text: string): number {
  const value = Number(text)
  if (/^\d{1,10}$/.test(text) && value < 2 ** 31) return value
  throw new InvalidArgumentError('It must be a whole number from 0 to 2147483647.')
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1e9) return value
  throw new InvalidArgumentError('It must be a number of seconds, such as 3600.')
}
