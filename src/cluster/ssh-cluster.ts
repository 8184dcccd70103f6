import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { ownRegistrable as registrable } from '../registry/own-tags.js'
import { Cluster } from './cluster.js'
import { commonOptions, HostName, pathOf, Text } from './cluster-options.js'
import { SSHHost } from './host/ssh-host.js'
import type { HostKeyPolicy } from './host/ssh-options.js'
import type { Connection, Member, Members, Route } from './members.js'

/** One address, or the public and the private address of a machine. */
const Address = v.union([HostName, v.tuple([HostName, HostName])], 'must be an address, or [public, private]')
const Port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535))

const SSHClusterOptions = toStandardJsonSchema(
  v.strictObject({
    // One by one: compilers order the members of a spread differently in declarations.
    name: commonOptions.name,
    setupCmds: commonOptions.setupCmds,
    secrets: commonOptions.secrets,
    maxSize: commonOptions.maxSize,
    orchestratorIp: Address,
    factoriesIps: v.optional(v.array(Address), []),
    key: v.optional(Text),
    username: v.optional(HostName),
    // A key of flambé, which writes null if it is not used.
    remoteContext: v.optional(v.null('has no counterpart in flambeau: remove it')),
    usePublic: v.optional(v.boolean(), true),
    port: v.optional(Port),
    hostKeys: v.optional(
      v.union(
        [
          v.literal('accept-new'),
          v.literal('known'),
          v.record(v.string(), v.pipe(v.string(), v.regex(/^[^\n\r\0]+$/))),
        ],
        'must be "accept-new", "known", or a mapping of addresses to keys such as "ssh-ed25519 AAAA..."',
      ),
      'accept-new',
    ),
    sshConfig: v.optional(Text),
    connectTimeout: v.optional(v.pipe(v.number(), v.minValue(1)), 10),
    node: v.optional(Text),
  }),
)

type Address = v.InferOutput<typeof Address>
type SSHConnection = Extract<Connection, { kind: 'ssh' }>

/**
 * Machines of your own, reached with the system's OpenSSH client. Its YAML has the keys of flambé
 * (flambe/cluster/ssh.py in asappresearch/flambe) and a few more:
 *
 * ```yaml
 * !SSHCluster
 * name: lab
 * orchestrator_ip: [203.0.113.10, 10.0.0.1]   # public and private, or just one
 * factories_ips: [gpu-1, gpu-2]                # an address, or an alias from ~/.ssh/config
 * username: ubuntu                             # by default as in ~/.ssh/config, like key and port
 * key: ~/.ssh/lab
 * setup_cmds: [sudo apt-get install -y libgomp1]
 * secrets: [AWS]                               # the sections that may be sent to the machines
 * host_keys: known                             # or accept-new (default), or { gpu-1: ssh-ed25519 AAAA... }
 * ```
 *
 * `use_public: false` connects to the private addresses. `connect_timeout` is in seconds. `node` is the path of Node
 * on the machines; by default it is searched for. Relative local paths start at the file that contains them.
 */
@registrable('!SSHCluster', {
  keys: 'snake_case',
  twin: true,
  description: 'Machines of your own, reached over SSH',
})
export class SSHCluster extends Cluster.with(SSHClusterOptions) {
  protected override connect(): Members {
    const { orchestratorIp, factoriesIps } = this.options
    return {
      orchestrator: this.#member(orchestratorIp, 'orchestrator'),
      factories: factoriesIps.map((address) => this.#member(address, 'factory')),
    }
  }

  #member(address: Address, role: Member['role']): Member {
    const { usePublic, port, username, node } = this.options
    const [publicAddress, privateAddress] = typeof address === 'string' ? [undefined, address] : address
    const host = this.#host(usePublic ? (publicAddress ?? privateAddress) : privateAddress)
    const connection = { kind: 'ssh', address: privateAddress, port, user: username, node } as const
    const resolve = (): Promise<Route> => this.#route(host, connection)
    return { host, role, address: privateAddress, port, publicAddress, connection, resolve }
  }

  // The orchestrator does not have the aliases of this machine. It logs in as the user whose authorized_keys were
  // changed from here.
  async #route(host: SSHHost, connection: SSHConnection): Promise<Route> {
    const privateHost = host.name === connection.address ? host : this.#host(connection.address)
    const [{ hostname: address, port }, { user }] = await Promise.all([
      privateHost.destination(),
      host.destination(),
    ])
    return { address, port, connection: { ...connection, address, port, user } }
  }

  #host(address: string): SSHHost {
    const { username: user, port, key, sshConfig, connectTimeout, node } = this.options
    return new SSHHost({
      address,
      user,
      port,
      key: key && pathOf(this, key),
      sshConfig: sshConfig && pathOf(this, sshConfig),
      connectTimeout,
      node,
      hostKey: this.#hostKey(address),
    })
  }

  #hostKey(address: string): HostKeyPolicy {
    const { hostKeys } = this.options
    if (typeof hostKeys === 'string') return hostKeys
    const pinned = hostKeys[address]
    return pinned === undefined ? 'known' : { pinned }
  }
}
