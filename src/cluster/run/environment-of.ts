import type { Members } from '../members.js'
import { RemoteEnvironment } from '../remote-environment.js'
import type { HostState } from '../wire/protocol.js'

/** What a run on a cluster is told of it. `state` is the orchestrator's. */
export function environmentOf(
  cluster: string,
  { orchestrator, factories }: Members,
  { state, localUser }: { state: HostState; localUser: string },
): RemoteEnvironment {
  const publicFactories = factories.flatMap(({ publicAddress }) => publicAddress ?? [])
  return new RemoteEnvironment({
    key: `${state.home}/.flambeau/clusters/${cluster}/key`,
    orchestratorIp: orchestrator.address,
    factoriesIps: factories.map(({ address }) => address),
    user: state.user,
    localUser,
    publicOrchestratorIp: orchestrator.publicAddress ?? null,
    publicFactoriesIps:
      publicFactories.length === factories.length && factories.length > 0 ? publicFactories : null,
  })
}
