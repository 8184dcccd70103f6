import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ResourceError } from '../../errors.js'
import { privateFilesOf, snapshotCode } from '../../records/code.js'
import { compareCode, type Difference } from '../../records/compare.js'
import { parseNeeds } from '../../runnable/needs.js'
import { printable } from '../../util/printable.js'
import type { Command } from '../commander.js'
import { commandOf } from '../commands.js'
import { withExamples, withForce } from '../help.js'
import type { LogFlags } from '../log-level.js'
import {
  type EnvFileFlags,
  eventsOption,
  type ImportFlags,
  type NeedsFlags,
  queueOption,
  type ReconnectFlags,
  type SecretsFlags,
  type SeedFlags,
  withEnvFile,
  withImports,
  withNeeds,
  withReconnect,
  withRecord,
  withSecrets,
  withSeed,
} from '../options.js'
import { run } from '../run.js'
import { type FoundRecord, findRecord, loggerOf } from './run-location.js'
import { readText } from './show.js'

interface RerunFlags
  extends EnvFileFlags,
    ImportFlags,
    LogFlags,
    NeedsFlags,
    ReconnectFlags,
    SecretsFlags,
    SeedFlags {
  readonly cluster?: string | false
  readonly force?: true
  readonly queue?: true
  readonly json?: true
  readonly events?: true
  readonly record: boolean
  readonly resume?: true
}

/** `flambeau rerun ID`. */
export function rerunCommand(): Command {
  const command = commandOf('rerun')
    .option('-c, --cluster <file>', 'run it on this cluster (default: that of the record)')
    .option('--no-cluster', 'run it here, although it ran on a cluster')
    .addOption(queueOption())
    .option('--resume', 'continue where the earlier run stopped')
    .option('--json', 'print one JSON object: value, exitCode, problems and error')
    .addOption(eventsOption())
    .option('-v, --verbose', 'log more')
    .option('-d, --debug', 'show stack traces, even for mistakes in the file')
  const complete = withForce(
    withReconnect(withEnvFile(withImports(withSecrets(withNeeds(withSeed(withRecord(command))))))),
    'run again, even if results exist',
  )
  return withExamples(complete, "flambeau rerun last 'optimizer.rate=0.1'").action(
    async (id: string, set: string[], flags: RerunFlags, self: Command) => {
      const found = await findRecord(id, flags)
      enterFolder(found)
      await explainCode(found, flags)
      await run(join(found.folder, 'run.yaml'), { ...flagsOf(found, flags), set }, self)
    },
  )
}

// Paths in the options of the file start there.
function enterFolder({ record }: FoundRecord): void {
  const { id, folder } = record
  if (!existsSync(folder))
    throw new ResourceError(
      `Run ${id} was started in "${folder}", which does not exist any more: create it, or run the file itself`,
      { code: 'FOLDER_GONE' },
    )
  process.chdir(folder)
}

function flagsOf({ record }: FoundRecord, flags: RerunFlags) {
  // An empty text is that of a run from which "--needs gpus=0" took those of its class.
  const needs = flags.needs ?? (record.needs === undefined ? undefined : parseNeeds(record.needs || 'gpus=0'))
  const { secrets = record.secrets, secretsDialect = record.secretsDialect, seed = record.seed } = flags
  return {
    ...flags,
    ...(secrets !== undefined && { secrets }),
    ...(seed !== undefined && { seed }),
    ...(needs !== undefined && { needs }),
    ...(secretsDialect !== undefined && { secretsDialect: secretsDialect as 'python' }),
    import: [...new Set([...record.imports, ...flags.import])],
    envFile: flags.envFile.length > 0 ? flags.envFile : (record.envFiles ?? []),
    cluster: flags.cluster ?? record.cluster?.file ?? (false as const),
    rerun: { id: record.id, file: record.file },
    downloadExtensions: true,
    allowScripts: [],
    send: [],
  }
}

async function explainCode(found: FoundRecord, flags: LogFlags): Promise<void> {
  const { record, runs } = found
  const { patch, ...code } = await snapshotCode({
    folder: runs.project,
    modules: record.imports,
    privateFiles: privateFilesOf(record),
  })
  const before = { record, patch: await readText(found, 'changes.patch') }
  const now = { record: { ...record, git: undefined, ...code }, patch: patch?.toString() }
  const changes = compareCode(before, now)
  if (changes.length > 0)
    loggerOf(flags).info(printable(`Same file, other code: ${describeChanges(changes)}`))
}

/** The most changes that are named. */
const mostNamed = 5

function describeChanges(changes: readonly Difference[]): string {
  const named = changes.slice(0, mostNamed).map(({ name, a, b }) => {
    const isShort = name === 'commit' || name === 'branch'
    return isShort ? `${name} ${short(a?.value)} -> ${short(b?.value)}` : name
  })
  const rest = changes.length - named.length
  return named.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}

function short(value: unknown): string {
  return value === undefined ? '(none)' : String(value).slice(0, 12)
}
