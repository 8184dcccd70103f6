import type { SharedHosts } from './events.js'
import type { InspectedHost } from './steps.js'

/** What another cluster uses. */
interface Sharing {
  readonly hosts: string[]
  /** Its run that is active, and the host that says so. */
  active?: { readonly run: string; readonly host: string }
}

/** One event for each other cluster that uses some of the hosts. */
export function sharedHosts(inspected: readonly InspectedHost[]): SharedHosts[] {
  const sharings = new Map<string, Sharing>()
  for (const { member, state } of inspected)
    for (const { name, run } of state.others) {
      const host = member.host.name
      const sharing: Sharing = sharings.get(name) ?? { hosts: [] }
      sharing.hosts.push(host)
      if (run !== undefined) sharing.active ??= { run, host }
      sharings.set(name, sharing)
    }
  return [...sharings].map(([cluster, sharing]) => ({
    kind: 'shared',
    host: sharing.hosts[0]!,
    cluster,
    run: sharing.active?.run,
    message: describe(cluster, sharing),
  }))
}

function describe(cluster: string, { hosts, active }: Sharing): string {
  const names = hosts.map((host) => `"${host}"`).join(', ')
  const uses = `Cluster "${cluster}" uses ${hosts.length === 1 ? 'host' : 'hosts'} ${names} as well`
  if (!active) return `${uses}: the runs of the two clusters do not wait for each other`
  const where = hosts.length === 1 ? 'there' : `on "${active.host}"`
  return `${uses}, and its run ${active.run} is active ${where}: it does not wait for the runs of this cluster, nor they for it`
}
