import { type ContentPlan, describeLargest, describeSize } from '../../cluster/bundle/size-limit.js'
import type { Cluster } from '../../cluster/cluster.js'
import type { Command } from '../commander.js'
import { commandOf } from '../commands.js'
import { dryRun } from '../dry-run.js'
import { withExamples } from '../help.js'
import { expectOneReader, type FileInput, readInput } from '../input.js'
import { oneFile } from '../operands.js'
import {
  type AllowFlags,
  type ExtensionFlags,
  type IncludeFlags,
  type NeedsFlags,
  type SendFlags,
  withAllow,
  withExtensions,
  withIncludes,
  withNeeds,
  withSend,
} from '../options.js'
import { printLine } from '../output.js'
import { type RunReporter, textReporter } from '../run-reporter.js'
import { resolveSettings } from '../settings.js'
import {
  type ClusterContext,
  type ClusterFlags,
  type ClusterSettings,
  completeClusterFlags,
  sentFiles,
  useCluster,
  withClusterFile,
} from './cluster-context.js'

interface FileFlags extends AllowFlags, ExtensionFlags, IncludeFlags, NeedsFlags, SendFlags {
  readonly set?: readonly string[]
}

/** `flambeau plan FILE`. */
export function planCommand(): Command {
  const command = commandOf('plan')
  const complete = withExtensions(withAllow(withIncludes(withSend(withNeeds(withClusterFile(command))))))
  return withExamples(complete, 'flambeau plan train.yaml --import ./train.js -c lab.yaml').action(
    async (file: string, operands: string[], flags: FileFlags & ClusterFlags, self: Command) => {
      const { file: named, set } = oneFile([file, ...operands], self)
      expectOneReader([named], flags.secrets, self)
      const settings = await completeClusterFlags({ ...flags, set }, self, [named])
      await planOnCluster(await readInput(named), settings)
    },
  )
}

/** Prints what running a file on a cluster would do. */
export function planOnCluster(
  { path: file, ...given }: FileInput,
  flags: FileFlags & ClusterSettings,
  reporter: RunReporter = textReporter,
): Promise<void> {
  const body = async (context: ClusterContext): Promise<number | undefined> => {
    const { cluster, secrets, env, logger, signal } = context
    const { secretsDialect: dialect, settings, needs, ...options } = flags
    const imports = await resolveSettings(settings)
    const complete = { ...options, ...given, env, secrets, dialect, logger, signal }
    const planned = await dryRun(file, complete, (runnable) =>
      cluster.planContent(runnable, { imports, needs, ...sentFiles(flags) }),
    )
    if (!planned.ok) {
      reporter.onFailure(planned.error)
      return planned.exitCode
    }
    for (const { host, role, would } of await cluster.plan({ signal }))
      printLine(`${host} (${role}): ${would.length === 0 ? 'ready' : `would ${would.join(', ')}`}`)
    for (const each of planned.value) printLine(describeContent(each))
    printLine(`would run "${file}" on ${cluster.orchestrator.name}, ${describeSecrets(cluster)}`)
    return 0
  }
  return useCluster(flags, body, reporter.onFailure.bind(reporter))
}

// The largest parts show at once what should not be sent.
function describeContent({ name, folder, parts, withheld, ...size }: ContentPlan): string {
  const where = name.includes(folder) ? '' : ` ("${folder}")`
  const names = withheld.map((path) => `"${path}"`).join(', ')
  const lines = [
    `would send ${name}${where} to each host, at most ${describeSize(size)}:`,
    ...describeLargest(parts).map((line) => `  ${line}`),
  ]
  if (withheld.length > 0) lines.push(`  private, so not sent: ${names}`)
  return lines.join('\n')
}

function describeSecrets({ options: { secrets } }: Cluster): string {
  if (!secrets || secrets.length === 0) return 'without secrets'
  return `with the secrets of ${secrets.map((name) => `[${name}]`).join(' ')}`
}
