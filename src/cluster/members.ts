import type { AgentHost } from './host/agent-host.js'

/** How the orchestrator connects to a host. */
export type Connection =
  | {
      readonly kind: 'ssh'
      readonly address: string
      readonly port?: number | undefined
      readonly user?: string | undefined
      /** The path of Node on the host; by default it is searched for. */
      readonly node?: string | undefined
    }
  | { readonly kind: 'local'; readonly name: string; readonly folder: string }

/** How the other members of a cluster connect to a host. */
export interface Route {
  /** The address that they use. */
  readonly address: string
  readonly port?: number | undefined
  /** How the orchestrator connects to it. */
  readonly connection: Connection
}

/** A host and its role in the cluster. */
export interface Member extends Route {
  readonly host: AgentHost
  readonly role: 'orchestrator' | 'factory'
  /** The address outside of the private network, if it differs. */
  readonly publicAddress?: string | undefined
  /** Resolves the route if this machine uses an alias for the host. It is called before the route is used. */
  readonly resolve?: () => Promise<Route>
}

/** The hosts of a cluster by role. */
export interface Members {
  readonly orchestrator: Member
  readonly factories: readonly Member[]
}

/** The members of a cluster that was brought up, with their resolved routes. */
export function membersOf(hosts: readonly { readonly member: Member }[]): Members {
  const [orchestrator, ...factories] = hosts.map(({ member }) => member)
  return { orchestrator: orchestrator!, factories }
}

/** More connections at once would only wait for each other. */
export const maxConcurrentHosts = 32
