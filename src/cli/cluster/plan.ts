import { Command } from 'commander'
import type { Cluster } from '../../cluster/cluster.js'
import { type ContentPlan, largestOf, sizeInWords } from '../../cluster/ship/size-limit.js'
import { SafeExecutionContext } from '../../runnable/context.js'
import { resolveModule } from '../import-modules.js'
import { type ExtensionFlags, withExtensions } from '../options.js'
import { atCluster, type ClusterFlags, withClusterFile } from './with-cluster.js'

/** `flambeau plan FILE`. */
export function planCommand(): Command {
  const command = new Command('plan')
    .description('say what running a file on a cluster would do, without doing it')
    .argument('<file>', 'the YAML file of the runnable')
  return withExtensions(withClusterFile(command)).action(planOnCluster)
}

/** Says what running a file on a cluster would do. */
export function planOnCluster(file: string, flags: ClusterFlags & ExtensionFlags): Promise<void> {
  return atCluster(flags, async ({ cluster, signal }) => {
    const { secretsDialect: dialect, import: modules, ...options } = flags
    const { runnable } = await new SafeExecutionContext(file).preprocess({ ...options, dialect })
    const imports = await Promise.all(modules.map(resolveModule))
    const content = await cluster.planContent(runnable, { imports })
    for (const { host, role, would } of await cluster.plan({ signal }))
      console.log(`${host} (${role}): ${would.length === 0 ? 'ready' : `would ${would.join(', ')}`}`)
    for (const each of content) console.log(inLines(each))
    console.log(`would run "${file}" on ${cluster.orchestrator.name}, ${withSecrets(cluster)}`)
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

function withSecrets({ options: { secrets = [] } }: Cluster): string {
  if (secrets.length === 0) return 'without secrets'
  return `with the secrets of ${secrets.map((name) => `[${name}]`).join(' ')}`
}
