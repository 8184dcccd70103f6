import { knownHostsName } from '../host/ssh-destination.js'
import type { SeenHost } from './plan.js'

/** The keys of the factories as lines of `known_hosts`, as the orchestrator will look for them. */
export function knownHostsOf(seen: readonly SeenHost[]): string {
  const factories = seen.filter(({ member }) => member.role === 'factory')
  const lines = factories.flatMap(({ member: { address, port }, hostKeys }) =>
    hostKeys.map((key) => `${knownHostsName(address, port)} ${key}\n`),
  )
  return [...new Set(lines)].join('')
}
