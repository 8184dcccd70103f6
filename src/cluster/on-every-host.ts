import { ClusterError, type HostFinding } from '../errors.js'
import { mapLimited } from '../util/concurrency.js'
import { notReady } from './bring-up/findings.js'
import type { AgentHost } from './host/agent-host.js'
import { mostAtOnce } from './members.js'

/**
 * Does the same on several hosts at once; one that fails keeps no other from it.
 *
 * @throws `ClusterError` with what is wrong with each host that failed.
 */
export async function onEveryHost<R>(
  hosts: readonly AgentHost[],
  work: (host: AgentHost) => Promise<R>,
): Promise<R[]> {
  const findings: HostFinding[] = []
  const results = await mapLimited(hosts, mostAtOnce, async (host) => {
    try {
      return [await work(host)]
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      findings.push({ host: host.name, code: error.code, message: error.message })
      return []
    }
  })
  if (findings.length > 0) throw notReady(findings, hosts.length)
  return results.flat()
}
