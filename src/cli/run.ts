import { Command } from 'commander'
import { StderrLogger } from '../runnable/logger.js'
import { runFile } from '../runnable/run-file.js'
import { interruptedCode } from '../util/exit-codes.js'
import { type ReconnectFlags, withReconnect } from './cluster/follow.js'
import { dryRun, planOnCluster } from './cluster/plan.js'
import { runOnCluster } from './cluster/run-on-cluster.js'
import { importModules } from './import-modules.js'
import { whileInterruptible } from './interrupt.js'
import {
  type AllowFlags,
  type ExtensionFlags,
  type SecretsFlags,
  withAllow,
  withExtensions,
  withImports,
  withSecrets,
} from './options.js'
import { printResult } from './output.js'

interface RunFlags extends AllowFlags, ExtensionFlags, ReconnectFlags, SecretsFlags {
  import: string[]
  cluster?: string
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
    .description('run a runnable file: its result goes to standard output, progress to standard error')
    .argument('<file>', 'the YAML file')
    .option('-c, --cluster <file>', 'run it on the cluster that this YAML file describes, and follow its log')
    .option('--detach', 'on a cluster: print the id of the run, and do not follow it')
    .option('-f, --force', 'do it again, even where results are there already')
    .option('--resume', 'go on where an earlier run ended')
    .option('-v, --verbose', 'say more')
    .option('-d, --debug', 'show stacks, even for a mistake in the file')
    .option(
      '-n, --dry-run',
      'parse, check and construct, then stop; with --cluster, say what would be done there, too',
    )
  return withReconnect(withExtensions(withAllow(withImports(withSecrets(command))))).action(run)
}

async function run(file: string, flags: RunFlags, command: Command): Promise<void> {
  const { import: modules, secretsDialect: dialect, cluster, reconnectTimeout: _, ...options } = flags
  if (flags.detach && cluster === undefined)
    command.error('error: "--detach" leaves a run on a cluster: add "--cluster FILE"')
  if (cluster !== undefined)
    return flags.dryRun
      ? planOnCluster(file, { ...flags, cluster })
      : runOnCluster(file, { ...flags, cluster })
  const logger = new StderrLogger(flags.verbose || flags.debug)
  const imports = await importModules(modules)
  process.once('beforeExit', sayNeverEnded)
  const { outcome, interrupted } = await whileInterruptible(logger, (signal) =>
    flags.dryRun
      ? dryRun(file, { ...options, dialect, signal, logger })
      : runFile(file, { ...options, dialect, runOptions: { imports }, signal, logger }),
  )
  process.off('beforeExit', sayNeverEnded)
  process.exitCode = interrupted ? interruptedCode : outcome.exitCode
  if (outcome.ok && !flags.dryRun) printResult(outcome.value)
}

// Node ends when nothing is left to wait for, and would call that a success.
function sayNeverEnded(): void {
  console.error('The run never ended: it waits for something that nothing can bring about any more')
  process.exitCode = 1
}
