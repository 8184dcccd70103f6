import { type Command, Option } from 'commander'
import { Cluster } from '../../cluster/cluster.js'
import type { ClusterEvent } from '../../cluster/provision/events.js'
import { ClusterConfigurationError } from '../../errors.js'
import { SafeExecutionContext } from '../../runnable/context.js'
import { type Logger, StderrLogger } from '../../runnable/logger.js'
import { pickRunFlags, type RunFlags } from '../../runnable/run-options.js'
import { interruptedCode } from '../../util/exit-codes.js'
import { importModules } from '../import-modules.js'
import { whileInterruptible } from '../interrupt.js'
import { type SecretsFlags, withImports, withSecrets } from '../options.js'

/** The flags of every command that speaks to a cluster. */
export interface ClusterFlags extends SecretsFlags, Pick<RunFlags, 'verbose' | 'debug'> {
  readonly cluster: string
  readonly import: readonly string[]
}

/** What a command that speaks to a cluster has at hand. */
export interface ClusterContext {
  readonly cluster: Cluster
  readonly logger: StderrLogger
  readonly signal: AbortSignal
}

/** Adds `--cluster FILE` and what loading that file needs. */
export function withClusterFile(command: Command): Command {
  const cluster = new Option('-c, --cluster <file>', 'the YAML file of the cluster').makeOptionMandatory()
  return withImports(withSecrets(command.addOption(cluster)))
}

/**
 * Loads a cluster and does something with it; then lets go of all connections, whatever happens. A user's mistake is
 * told as one; Ctrl-C aborts the signal.
 */
export async function useCluster(
  flags: ClusterFlags,
  body: (at: ClusterContext) => Promise<number | undefined>,
): Promise<void> {
  const logger = new StderrLogger(flags.verbose || flags.debug)
  const context = new SafeExecutionContext(flags.cluster)
  const run = async (signal: AbortSignal): Promise<number | undefined> => {
    await importModules(flags.import)
    const cluster = await loadCluster(context, flags)
    try {
      return await body({ cluster, logger, signal })
    } finally {
      await cluster.close()
    }
  }
  const { outcome, interrupted } = await whileInterruptible(
    logger,
    (signal) => context.run(() => run(signal), { ...pickRunFlags(flags), signal, logger }),
    'Interrupted: what runs on the cluster goes on',
  )
  if (interrupted) process.exitCode = interruptedCode
  else process.exitCode = outcome.ok ? (outcome.value ?? 0) : outcome.exitCode
}

async function loadCluster(
  context: SafeExecutionContext,
  { cluster: file, secrets, secretsDialect: dialect }: ClusterFlags,
): Promise<Cluster> {
  const { runnable } = await context.preprocess({ secrets, dialect })
  if (runnable instanceof Cluster) return runnable
  const message = `"${file}" holds a runnable, but no cluster: write "!SSHCluster" or "!LocalCluster" and its options`
  throw new ClusterConfigurationError(message, { code: 'NOT_A_CLUSTER' })
}

/** Says what was done on a host, as it happens. */
export function logEvent(event: ClusterEvent, logger: Logger): void {
  if (event.kind === 'did') logger.info(`${event.host}: ${event.what}`)
}
