import type { Members } from './members.js'
import { onEveryHost } from './on-every-host.js'
import type { Ask } from './wire/protocol.js'

/**
 * Removes what a cluster has put on its hosts. The orchestrator alone knows of a run, so it is asked first: while it
 * refuses, the factories keep what the run needs. When it cannot be reached they can be cleared all the same.
 */
export async function takeDown({ orchestrator, factories }: Members, ask: Ask<'down'>): Promise<void> {
  const first = orchestrator.host.ask('down', ask)
  const refused = await first.then(
    () => false,
    ({ code }) => code === 'RUN_ACTIVE',
  )
  const members = refused ? [orchestrator] : [orchestrator, ...factories]
  const hosts = members.map(({ host }) => host)
  await onEveryHost(hosts, (host) => (host === orchestrator.host ? first : host.ask('down', ask)))
}
