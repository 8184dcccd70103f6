import type { SeenHost } from './plan.js'

/** The keys of the factories as lines of `known_hosts`, as the orchestrator will look for them. */
export function knownHostsOf(seen: readonly SeenHost[]): string {
  const factories = seen.filter(({ member }) => member.role === 'factory')
  const lines = factories.flatMap(({ member: { address, port }, state }) => {
    const name = port === undefined || port === 22 ? address : `[${address}]:${port}`
    return state.hostKeys.map((key) => `${name} ${key}\n`)
  })
  return [...new Set(lines)].join('')
}
