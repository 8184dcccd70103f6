import type { AgentHost } from './host/agent-host.js'

/** How one host is reached from the orchestrator. */
export type Connection =
  | {
      readonly kind: 'ssh'
      readonly address: string
      readonly port?: number
      readonly user?: string
      /** The path of Node there, where it is not found by itself. */
      readonly node?: string
    }
  | { readonly kind: 'local'; readonly name: string; readonly folder: string }

/** How the others of a cluster reach one of its hosts. */
export interface Route {
  /** Where they find it. */
  readonly address: string
  readonly port?: number | undefined
  /** How the orchestrator reaches it. */
  readonly connection: Connection
}

/** One host in its cluster. */
export interface Member extends Route {
  readonly host: AgentHost
  readonly role: 'orchestrator' | 'factory'
  /** Where the outside finds it, if that differs. */
  readonly publicAddress?: string | undefined
  /** Finds out the route where this machine calls the host by a name of its own; asked before the route is used. */
  readonly resolve?: () => Promise<Route>
}

/** The hosts of a cluster, and who they are to each other. */
export interface Members {
  readonly orchestrator: Member
  readonly factories: readonly Member[]
}

/** The members of a cluster that was brought up, with their routes. */
export function membersOf(hosts: readonly { readonly member: Member }[]): Members {
  const [orchestrator, ...factories] = hosts.map(({ member }) => member)
  return { orchestrator: orchestrator!, factories }
}

/** More connections at once only wait for each other. */
export const maxConcurrentHosts = 32
