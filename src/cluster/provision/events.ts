import type { Member } from '../members.js'

/** What `up` did on a host; nothing if the host was ready. */
export interface HostReport {
  readonly host: string
  readonly role: Member['role']
  /** In words, such as `sent flambeau 0.1.0 (212 files, 1.4 MB)`. */
  readonly did: readonly string[]
}

/** What `up` would do on a host; nothing if the host is ready. */
export interface HostPlan {
  readonly host: string
  readonly role: Member['role']
  /** In words, such as `send flambeau 0.1.0 (at most 212 files, 1.4 MB)`. */
  readonly would: readonly string[]
}

/** An event while a cluster is brought up or a run is sent. */
export type ClusterEvent =
  | { readonly kind: 'connected' | 'ready'; readonly host: string }
  | { readonly kind: 'did'; readonly host: string; readonly what: string }
  | { readonly kind: 'failed'; readonly host: string; readonly message: string }

/** Options of calls that may take long. */
export interface ClusterCallOptions {
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: ClusterEvent) => void) | undefined
}
