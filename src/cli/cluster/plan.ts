import { Command } from 'commander'
import type { Cluster } from '../../cluster/cluster.js'
import { type ContentPlan, largestOf, sizeInWords } from '../../cluster/ship/size-limit.js'
import { dryRun } from '../dry-run.js'
import { resolveModule } from '../import-modules.js'
import { type AllowFlags, type ExtensionFlags, withAllow, withExtensions } from '../options.js'
import { printLine } from '../print-line.js'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

/** `flambeau plan FILE`. */
export function planCommand(): Command {
  const command = new Command('plan')
    .description('say what running a file on a cluster would do, without doing it')
    .argument('<file>', 'the YAML file of the runnable')
  return withExtensions(withAllow(withClusterFile(command))).action(planOnCluster)
}

/** Says what running a file on a cluster would do. */
export function planOnCluster(
  file: string,
  flags: AllowFlags & ClusterFlags & ExtensionFlags,
): Promise<void> {
  return atCluster(flags, async ({ cluster, logger, signal }) => {
    const { secretsDialect: dialect, import: modules, ...options } = flags
    const checked = await dryRun(file, { ...options, dialect, logger, signal })
    if (!checked.ok) return checked.exitCode
    const imports = await Promise.all(modules.map(resolveModule))
    const content = await cluster.planContent(checked.value, { imports })
    for (const { host, role, would } of await cluster.plan({ signal }))
      printLine(`${host} (${role}): ${would.length === 0 ? 'ready' : `would ${would.join(', ')}`}`)
    for (const each of content) printLine(inLines(each))
    printLine(`would run "${file}" on ${cluster.orchestrator.name}, ${withSecrets(cluster)}`)
    return 0
  })
}

// The parts are of each package: whoever reads them sees at once what should have stayed here.
function inLines({ name, folder, parts, withheld, ...size }: ContentPlan): string {
  const where = name.includes(folder) ? '' : ` ("${folder}")`
  const stays = withheld.map((path) => `"${path}"`).join(', ')
  return [
    `would send ${name}${where} to each host, at most ${sizeInWords(size)}:`,
    ...largestOf(parts).map((line) => `  ${line}`),
    ...(withheld.length === 0 ? [] : [`  private, so not sent: ${stays}`]),
  ].join('\n')
}

function withSecrets({ options: { secrets } }: Cluster): string {
  if (!secrets || secrets.length === 0) return 'without secrets'
  return `with the secrets of ${secrets.map((name) => `[${name}]`).join(' ')}`
}
