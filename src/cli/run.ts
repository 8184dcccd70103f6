import { Command } from 'commander'
import { StderrLogger } from '../logger.js'
import { runFile } from '../runnable/run-file.js'
import { printable } from '../util/printable.js'
import { type SendFlags, withSend } from './cluster/cluster-context.js'
import { type ReconnectFlags, withReconnect } from './cluster/follow.js'
import { dryRun, planOnCluster } from './cluster/plan.js'
import { type RunOnClusterFlags, runOnCluster } from './cluster/run-on-cluster.js'
import { runInterruptibly } from './interrupt.js'
import { oneFile, overridesHelp } from './operands.js'
import {
  type AllowFlags,
  type EnvFileFlags,
  type ExtensionFlags,
  environmentOf,
  type ImportFlags,
  type IncludeFlags,
  type SecretsFlags,
  withAllow,
  withEnvFile,
  withExtensions,
  withImports,
  withIncludes,
  withSecrets,
} from './options.js'
import { printResult } from './output.js'
import { secretsOfFlags } from './secrets.js'
import { completeSettings, importSettings, isSameFile, type Settings } from './settings.js'

interface RunFlags
  extends AllowFlags,
    EnvFileFlags,
    ExtensionFlags,
    ImportFlags,
    IncludeFlags,
    ReconnectFlags,
    SecretsFlags,
    SendFlags {
  set?: readonly string[]
  cluster?: string | false
  detach?: true
  force?: true
  verbose?: true
  debug?: true
  dryRun?: true
  resume?: true
}

/** `flambeau run FILE`. */
export function runCommand(): Command {
  const command = new Command('run')
    .description('run a runnable file; the result goes to standard output, progress to standard error')
    .argument('<file>', 'the YAML file')
    .argument('[override...]', overridesHelp)
    .option('-c, --cluster <file>', 'run it on the cluster of this YAML file, and follow the log')
    .option('--no-cluster', 'run it here, although the project names a cluster')
    .option('--detach', 'with --cluster: print the id of the run, and do not follow the log')
    .option('-f, --force', 'run again, even if results exist')
    .option('--resume', 'continue where an earlier run stopped')
    .option('-v, --verbose', 'log more')
    .option('-d, --debug', 'show stack traces, even for mistakes in the file')
    .option(
      '-n, --dry-run',
      'parse, check and construct the file, but do not run it; with --cluster, also show what would be done there',
    )
  return withReconnect(
    withExtensions(withAllow(withIncludes(withEnvFile(withImports(withSecrets(withSend(command))))))),
  ).action((file: string, operands: string[], flags: RunFlags, self: Command) => {
    const { file: named, set } = oneFile([file, ...operands], self)
    return run(named, { ...flags, set }, self)
  })
}

async function run(file: string, flags: RunFlags, command: Command): Promise<void> {
  const logger = new StderrLogger(flags.verbose || flags.debug)
  const settings = await completeSettings(flags, { files: [file], uses: ['secrets', 'cluster'], logger })
  const { cluster } = settings
  // A cluster is not run on itself.
  const isHere = cluster === undefined || (flags.cluster === undefined && isSameFile(file, cluster))
  if (isHere) return runHere(file, { ...flags, settings, logger }, command)
  if (flags.cluster === undefined)
    logger.info(
      printable(`The cluster is "${cluster}", as package.json says: to run here, add "--no-cluster"`),
    )
  const clusterFlags: RunOnClusterFlags = { ...flags, settings, cluster }
  return flags.dryRun ? planOnCluster(file, clusterFlags) : runOnCluster(file, clusterFlags)
}

interface RunHereFlags extends RunFlags {
  readonly settings: Settings
  readonly logger: StderrLogger
}

async function runHere(file: string, flags: RunHereFlags, command: Command): Promise<void> {
  if (flags.detach) command.error('error: "--detach" needs a cluster: add "--cluster FILE"')
  if (flags.send.length > 0) command.error('error: "--send" needs a cluster: add "--cluster FILE"')
  const {
    settings,
    logger,
    secretsDialect: _dialect,
    reconnectTimeout: _,
    dryRun: isDryRun,
    send: _send,
    ...options
  } = flags
  const imports = await importSettings(settings)
  const env = await environmentOf(flags)
  const secrets = await secretsOfFlags(settings, logger)
  process.once('beforeExit', reportUnsettled)
  await runInterruptibly(logger, async (signal) => {
    const given = { ...options, env, secrets, dialect: settings.secretsDialect, signal, logger }
    if (isDryRun) return (await dryRun(file, given)).exitCode
    const outcome = await runFile(file, { ...given, runOptions: { imports } })
    if (outcome.ok) printResult(outcome.value)
    return outcome.exitCode
  })
  process.off('beforeExit', reportUnsettled)
}

// Node exits with success when nothing is left to wait for, even if a promise is still pending.
function reportUnsettled(): void {
  console.error('The run did not finish: it waits for a promise that nothing is left to settle')
  process.exitCode = 1
}
