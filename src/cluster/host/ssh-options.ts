/**
 * Which keys of a host are believed: `accept-new` a new one, but never a changed one; `known` those only that
 * `known_hosts` has; or the very key, as `ssh-ed25519 AAAA...`.
 */
export type HostKeyPolicy = 'accept-new' | 'known' | { readonly pinned: string } | { readonly file: string }

/** How to reach a machine with SSH; what is absent is as `ssh` and the user's `~/.ssh/config` have it. */
export interface SSHHostOptions {
  /** A name, an address, or an alias from `~/.ssh/config`. */
  readonly address: string
  readonly user?: string | undefined
  readonly port?: number | undefined
  /** The path of a private key. */
  readonly key?: string | undefined
  /** `accept-new` when absent. */
  readonly hostKey?: HostKeyPolicy | undefined
  /** Read in place of `~/.ssh/config`. */
  readonly sshConfig?: string | undefined
  /** In seconds; 10 when absent. A host that falls silent is given up after about as long. */
  readonly connectTimeout?: number | undefined
  /** The path of Node there, where it is not found by itself. */
  readonly node?: string | undefined
}
