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

/** Another cluster of this user uses hosts of this one: the runs of the two do not wait for each other. */
export interface SharedHosts {
  readonly kind: 'shared'
  /** The first of these hosts. */
  readonly host: string
  /** The name of the other cluster. */
  readonly cluster: string
  /** The id of its run that is active there. */
  readonly run?: string | undefined
  /** The same in words. */
  readonly message: string
}

/** An event while a cluster is brought up or a run is sent. */
export type ClusterEvent =
  | { readonly kind: 'connected' | 'ready'; readonly host: string }
  | { readonly kind: 'did'; readonly host: string; readonly what: string }
  | SharedHosts
  | { readonly kind: 'failed'; readonly host: string; readonly message: string }

/** Options of calls that may take long. */
export interface ClusterCallOptions {
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: ClusterEvent) => void) | undefined
}
