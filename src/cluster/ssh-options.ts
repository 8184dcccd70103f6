import * as v from 'valibot'
import { HostName, mapping, pathOf, Text } from './cluster-options.js'
import type { HostKeyPolicy, SSHHostOptions } from './host/ssh-options.js'

const hostKeysMessage =
  'must be "accept-new", "known", or a mapping of addresses to keys such as "ssh-ed25519 AAAA..."'

/** The options of a cluster that say how its hosts are reached over SSH, for its schema. */
export const sshOptions = {
  key: v.optional(Text),
  username: v.optional(HostName),
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535))),
  hostKeys: v.optional(
    v.union(
      [
        v.literal('accept-new'),
        v.literal('known'),
        mapping(v.record(v.string(), v.pipe(v.string(), v.regex(/^[^\n\r\0]+$/))), hostKeysMessage),
      ],
      hostKeysMessage,
    ),
    'accept-new',
  ),
  sshConfig: v.optional(Text),
  connectTimeout: v.optional(v.pipe(v.number(), v.minValue(1)), 10),
  node: v.optional(Text),
}

/** The values of {@link sshOptions}. */
interface SSHOptions {
  readonly key?: string | undefined
  readonly username?: string | undefined
  readonly port?: number | undefined
  readonly hostKeys: 'accept-new' | 'known' | Readonly<Record<string, string>>
  readonly sshConfig?: string | undefined
  readonly connectTimeout: number
  readonly node?: string | undefined
}

/** How a cluster connects to the host with this address; relative paths start at the file of the cluster. */
export function sshHostOptions(cluster: { readonly options: SSHOptions }, address: string): SSHHostOptions {
  const { username: user, port, key, sshConfig, connectTimeout, node, hostKeys } = cluster.options
  return {
    address,
    user,
    port,
    key: key && pathOf(cluster, key),
    sshConfig: sshConfig && pathOf(cluster, sshConfig),
    connectTimeout,
    node,
    hostKey: hostKeyOf(hostKeys, address),
  }
}

function hostKeyOf(hostKeys: SSHOptions['hostKeys'], address: string): HostKeyPolicy {
  if (typeof hostKeys === 'string') return hostKeys
  const pinned = hostKeys[address]
  return pinned === undefined ? 'known' : { pinned }
}
