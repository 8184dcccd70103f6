import { type Logger, RunLogger, StderrLogger } from '../logger.js'
import type { Outcome } from '../runnable/outcome.js'
import { runFile } from '../runnable/run-file.js'
import { printable } from '../util/printable.js'
import type { RunOnClusterFlags } from './cluster/run-on-cluster.js'
import type { Command } from './commander.js'
import { commandOf } from './commands.js'
import { withExamples, withForce } from './help.js'
import { expectOneReader, type FileInput, readInput } from './input.js'
import { runInterruptibly } from './interrupt.js'
import { type LogFlags, levelOf } from './log-level.js'
import { oneFile } from './operands.js'
import {
  type AllowFlags,
  type EnvFileFlags,
  type ExtensionFlags,
  environmentOf,
  eventsOption,
  type ImportFlags,
  type IncludeFlags,
  type NeedsFlags,
  queueOption,
  type ReconnectFlags,
  type SecretsFlags,
  type SeedFlags,
  type SendFlags,
  withAllow,
  withEnvFile,
  withExtensions,
  withImports,
  withIncludes,
  withNeeds,
  withReconnect,
  withRecord,
  withSecrets,
  withSeed,
  withSend,
} from './options.js'
import { teeOutput } from './output.js'
import { type RecordFlags, recordingOf } from './record-run.js'
import { EventReporter, JsonReporter, type RunReporter, textReporter } from './run-reporter.js'
import { secretsOfFlags } from './secrets.js'
import { completeSettings, importSettings, isSameFile, type Settings } from './settings.js'

interface RunFlags
  extends AllowFlags,
    EnvFileFlags,
    ExtensionFlags,
    ImportFlags,
    IncludeFlags,
    LogFlags,
    NeedsFlags,
    ReconnectFlags,
    RecordFlags,
    SecretsFlags,
    SeedFlags,
    SendFlags {
  set?: readonly string[]
  cluster?: string | false
  detach?: true
  queue?: true
  force?: true
  json?: true
  events?: true
  dryRun?: true
  resume?: true
}

/** `flambeau run FILE`. */
export function runCommand(): Command {
  const command = commandOf('run')
    .option('-c, --cluster <file>', 'run it on the cluster of this YAML file, and follow the log')
    .option('--no-cluster', 'run it here, although the project names a cluster')
    .option('--detach', 'with --cluster: print the id of the run, and do not follow the log')
    .addOption(queueOption())
    .option('--resume', 'continue where an earlier run stopped')
    .option('--json', 'print one JSON object: value, exitCode, problems and error')
    .addOption(eventsOption())
    .option('-v, --verbose', 'log more')
    .option('-d, --debug', 'show stack traces, even for mistakes in the file')
    .option(
      '-n, --dry-run',
      'parse, check and construct the file, but do not run it; with --cluster, also show what would be done there',
    )
  const complete = withForce(
    withReconnect(
      withExtensions(
        withAllow(
          withIncludes(
            withEnvFile(withImports(withSecrets(withSend(withRecord(withNeeds(withSeed(command))))))),
          ),
        ),
      ),
    ),
    'run again, even if results exist',
  )
  return withExamples(
    complete,
    "flambeau run train.yaml 'optimizer.rate=0.01' --import ./train.js",
    'flambeau run train.yaml --import ./train.js --cluster lab.yaml --queue',
  ).action((file: string, operands: string[], flags: RunFlags, self: Command) => {
    const { file: named, set } = oneFile([file, ...operands], self)
    return run(named, { ...flags, set }, self)
  })
}

/** Runs a file here or on a cluster, as the flags say. */
export async function run(file: string, flags: RunFlags, command: Command): Promise<void> {
  expectOneReader([file], flags.secrets, command)
  const logger = new StderrLogger(levelOf(flags))
  const reporter = reporterFor(flags, logger)
  try {
    const settings = await completeSettings(flags, { files: [file], uses: ['secrets', 'cluster'], logger })
    const cluster = clusterFor(file, flags, settings)
    if (cluster === undefined) expectAttached(flags, reporter, command)
    else if (flags.cluster === undefined) logger.info(chosenByProject(cluster))
    const input = await readInput(file)
    if (cluster === undefined) return await runHere(input, { ...flags, settings, logger }, reporter)
    const clusterFlags: RunOnClusterFlags = { ...flags, settings, cluster }
    await runThere(input, clusterFlags, reporter, flags)
  } catch (error) {
    reporter.onFailure(error)
    throw error
  }
}

function reporterFor({ json, events }: Pick<RunFlags, 'json' | 'events'>, logger: Logger): RunReporter {
  if (events) return new EventReporter()
  return json ? new JsonReporter(logger) : textReporter
}

async function runThere(
  input: FileInput,
  flags: RunOnClusterFlags,
  reporter: RunReporter,
  { dryRun: isDryRun }: RunFlags,
): Promise<void> {
  const start = isDryRun
    ? (await import('./cluster/plan.js')).planOnCluster
    : (await import('./cluster/run-on-cluster.js')).runOnCluster
  await start(input, flags, reporter)
}

// A cluster is not run on itself.
function clusterFor(file: string, flags: RunFlags, { cluster }: Settings): string | undefined {
  const isItself = flags.cluster === undefined && cluster !== undefined && isSameFile(file, cluster)
  return isItself ? undefined : cluster
}

function chosenByProject(cluster: string): string {
  return printable(`The cluster is "${cluster}", as package.json says: to run here, add "--no-cluster"`)
}

function expectAttached({ detach, queue, send }: RunFlags, reporter: RunReporter, command: Command): void {
  const option = detach ? '--detach' : queue ? '--queue' : send.length > 0 ? '--send' : undefined
  if (option === undefined) return
  const message = `"${option}" needs a cluster: add "--cluster FILE"`
  reporter.onFailure(message)
  command.error(`error: ${message}`)
}

interface RunHereFlags extends RunFlags {
  readonly settings: Settings
  readonly logger: StderrLogger
}

async function runHere(input: FileInput, flags: RunHereFlags, reporter: RunReporter): Promise<void> {
  const { path, ...given } = input
  const {
    settings,
    logger,
    secretsDialect: _dialect,
    reconnectTimeout: _,
    dryRun: isDryRun,
    send: _send,
    record: _record,
    needs,
    ...options
  } = flags
  const imports = await importSettings(settings)
  const env = await environmentOf(flags)
  const secrets = await secretsOfFlags(settings, logger)
  const onUnsettled = (): void => reportUnsettled(reporter)
  process.once('beforeExit', onUnsettled)
  await runInterruptibly(logger, async (signal) => {
    const complete = { ...options, ...given, env, secrets, dialect: settings.secretsDialect, signal }
    if (isDryRun) {
      const { dryRun } = await import('./dry-run.js')
      return reportOutcome(await dryRun(path, { ...complete, logger }, () => undefined), reporter, isDryRun)
    }
    const recording = await recordingOf({ input, flags, settings, logger, imports })
    const endTee = recording && teeOutput((text) => recording.onOutput(text))
    const outcome = await runFile(path, {
      ...complete,
      recording,
      logger: new RunLogger(levelOf(flags)),
      onEvent: reporter.onEvent,
      runOptions: { imports },
      // Few classes have needs, and the command need not load this for the others.
      onReady: async (runnable, surroundings) =>
        needs || 'needs' in runnable.constructor
          ? (await import('./run-needs.js')).meetNeeds(runnable, surroundings, needs)
          : undefined,
    })
    endTee?.()
    return reportOutcome(outcome, reporter)
  })
  process.off('beforeExit', onUnsettled)
}

function reportOutcome(outcome: Outcome<unknown>, reporter: RunReporter, isDryRun = false): number {
  if (!outcome.ok) reporter.onFailure(outcome.error)
  else if (!isDryRun) reporter.onResult(outcome.value)
  return outcome.exitCode
}

// Node exits with success when nothing is left to wait for, even if a promise is still pending.
function reportUnsettled(reporter: RunReporter): void {
  const message = 'The run did not finish: it waits for a promise that nothing is left to settle'
  console.error(message)
  reporter.onFailure(message)
  process.exitCode = 1
}
