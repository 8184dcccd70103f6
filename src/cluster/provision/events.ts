import type { Member } from '../members.js'

/** What was done on one host to make it ready; nothing when it was. */
export interface HostReport {
  readonly host: string
  readonly role: Member['role']
  /** In words, such as `sent flambeau 0.1.0 (212 files, 1.4 MB)`. */
  readonly did: readonly string[]
}

/** What would be done on one host to make it ready; empty when it is. */
export interface HostPlan {
  readonly host: string
  readonly role: Member['role']
  /** In words, such as `send flambeau 0.1.0 (at most 212 files, 1.4 MB)`. */
  readonly would: readonly string[]
}

/** What happens while a cluster is brought up, or a run is sent, as it happens. */
export type ClusterEvent =
  | { readonly kind: 'connected' | 'ready'; readonly host: string }
  | { readonly kind: 'did'; readonly host: string; readonly what: string }
  | { readonly kind: 'failed'; readonly host: string; readonly message: string }

/** How a caller follows and ends what a cluster does. */
export interface ClusterCallOptions {
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: ClusterEvent) => void) | undefined
}
