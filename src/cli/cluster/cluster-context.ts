import { Cluster } from '../../cluster/cluster.js'
import type { ClusterEvent } from '../../cluster/provision/events.js'
import type { SubmitOptions } from '../../cluster/run/submit.js'
import type { Variables } from '../../document/compose/env-file.js'
import { ClusterConfigurationError, isFlambeauError } from '../../errors.js'
import { type Logger, StderrLogger } from '../../logger.js'
import { reportProblems } from '../../problem-report.js'
import { type PreprocessOptions, SafeExecutionContext } from '../../runnable/context.js'
import { pickRunFlags } from '../../runnable/run-options.js'
import type { SecretsConfig } from '../../runnable/secrets/secrets.js'
import { absolutePath } from '../../util/paths.js'
import type { Command } from '../commander.js'
import { runInterruptibly } from '../interrupt.js'
import { type LogFlags, levelOf } from '../log-level.js'
import {
  type EnvFileFlags,
  environmentOf,
  type ImportFlags,
  type SecretsFlags,
  type SendFlags,
  withEnvFile,
  withImports,
  withSecrets,
} from '../options.js'
import { secretsOfFlags } from '../secrets.js'
import { completeSettings, expectCluster, importSettings, type Settings } from '../settings.js'

/** The flags of every command that uses a cluster. */
export interface ClusterFlags extends EnvFileFlags, ImportFlags, LogFlags, SecretsFlags {
  readonly cluster?: string | undefined
}

/** The flags of a command that uses a cluster, completed by the project. */
export interface ClusterSettings extends Omit<ClusterFlags, 'cluster'> {
  readonly cluster: string
  readonly settings: Settings
}

/** What a command that uses a cluster works with. */
export interface ClusterContext {
  readonly cluster: Cluster
  /** The secrets that the flags name, for the cluster and for the runnable. */
  readonly secrets: string | SecretsConfig | undefined
  /** The variables that `!env` sees, for both files. */
  readonly env: Variables
  readonly logger: StderrLogger
  readonly signal: AbortSignal
}

/** Adds `--cluster FILE` and the options for loading that file. */
export function withClusterFile(command: Command): Command {
  const cluster = '-c, --cluster <file>'
  return withClusterOptions(
    command.option(cluster, 'the YAML file of the cluster (default: that of the project)'),
  )
}

/** Adds the options for loading the file of a cluster. */
export function withClusterOptions(command: Command): Command {
  return withEnvFile(withImports(withSecrets(command)))
}

/** Completes the flags of a command by the project; `files` are those that it names besides the cluster. */
export async function completeClusterFlags<Flags extends ClusterFlags>(
  flags: Flags,
  command: Command,
  files: readonly string[] = flags.cluster === undefined ? [] : [flags.cluster],
): Promise<Flags & ClusterSettings> {
  const logger = new StderrLogger(levelOf(flags))
  const settings = await completeSettings(flags, { files, uses: ['secrets', 'cluster'], logger })
  return { ...flags, settings, cluster: expectCluster(settings, command) }
}

/** The files that the project and the flags name for a run on a cluster; paths of flags start at the current folder. */
export function sentFiles({
  send,
  settings: { project },
}: SendFlags & ClusterSettings): Pick<SubmitOptions, 'files' | 'projectFolder'> {
  const ofProject = (project?.files ?? []).map((path) => absolutePattern(path, project!.folder))
  const files = [...ofProject, ...send.map((path) => absolutePattern(path, '.'))]
  return { files, projectFolder: project?.folder }
}

function absolutePattern(path: string, folder: string): string {
  // An empty path stays an error: it may be a variable of a shell that is not set.
  if (path === '') return path
  return path.startsWith('!') ? `!${absolutePath(path.slice(1), folder)}` : absolutePath(path, folder)
}

/**
 * Loads a cluster, calls `body` with it, and closes its connections. The exit code is the one that `body` returns, or 0.
 * Errors are logged, and passed to `onFailure`; Ctrl-C aborts the signal.
 */
export async function useCluster(
  flags: ClusterSettings,
  body: (context: ClusterContext) => Promise<number | undefined>,
  onFailure: (error: Error) => void = () => {},
): Promise<void> {
  const logger = new StderrLogger(levelOf(flags))
  const env = await environmentOf(flags)
  const context = new SafeExecutionContext(flags.cluster, { env })
  const run = async (signal: AbortSignal): Promise<number> => {
    await importSettings(flags.settings)
    const { secretsDialect: dialect } = flags.settings
    const secrets = await secretsOfFlags(flags.settings, logger)
    const cluster = await loadCluster(context, flags.cluster, { secrets, dialect })
    try {
      return (await body({ cluster, secrets, env, logger, signal })) ?? 0
    } finally {
      await cluster.close()
    }
  }
  await runInterruptibly(
    logger,
    async (signal) => {
      const outcome = await context.run(() => run(signal), { ...pickRunFlags(flags), signal, logger })
      if (!outcome.ok) onFailure(outcome.error)
      return outcome.ok ? outcome.value : outcome.exitCode
    },
    'Interrupted: runs on the cluster continue',
  )
}

async function loadCluster(
  context: SafeExecutionContext,
  file: string,
  options: PreprocessOptions,
): Promise<Cluster> {
  const { runnable } = await context.preprocess(options).catch((error) => explainNoCluster(error, file))
  if (runnable instanceof Cluster) return runnable
  const message = `"${file}" contains a runnable that is not a cluster: ${clusterRemedy}`
  throw new ClusterConfigurationError(message, { code: 'NOT_A_CLUSTER' })
}

const clusterRemedy = 'use "!SSHCluster", "!SlurmCluster" or "!LocalCluster" with its options'

// What a runnable file misses is the tag of any runnable.
function explainNoCluster(error: unknown, file: string): never {
  if (!isFlambeauError(error)) throw error
  if (error.code === 'EMPTY_FILE')
    throw new ClusterConfigurationError(`"${file}" is empty: ${clusterRemedy}`, { code: 'EMPTY_FILE' })
  const [problem] = error.problems
  if (problem?.code !== 'NOT_RUNNABLE') throw error
  const problems = [{ ...problem, message: `This is not a cluster: ${clusterRemedy}` }]
  throw new ClusterConfigurationError(reportProblems(problems), { problems })
}

/** Logs what was done on a host, and which other cluster has a run there. */
export function logEvent(event: ClusterEvent, logger: Logger): void {
  if (event.kind === 'did') logger.info(`${event.host}: ${event.what}`)
  if (event.kind === 'shared' && event.run !== undefined) logger.warn(event.message)
}
