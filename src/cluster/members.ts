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

/** One host in its cluster. */
export interface Member {
  readonly host: AgentHost
  readonly role: 'orchestrator' | 'factory'
  /** Where the others of the cluster find it. */
  readonly address: string
  readonly port?: number | undefined
  /** Where the outside finds it, if that differs. */
  readonly publicAddress?: string | undefined
  /** How the orchestrator reaches it. */
  readonly connection: Connection
}

/** The hosts of a cluster, and who they are to each other. */
export interface Members {
  readonly orchestrator: Member
  readonly factories: readonly Member[]
}

/** More connections at once only wait for each other. */
export const mostAtOnce = 32
