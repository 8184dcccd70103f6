import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { ownRegistrable as registrable } from '../registry/own-tags.js'
import { Cluster } from './cluster.js'
import { commonOptions, HostName } from './cluster-options.js'
import { SSHHost } from './host/ssh-host.js'
import type { Connection, Member, Members, Route } from './members.js'
import { sshHostOptions, sshOptions } from './ssh-options.js'

/** One address, or the public and the private address of a machine. */
const Address = v.union([HostName, v.tuple([HostName, HostName])], 'must be an address, or [public, private]')

const SSHClusterOptions = toStandardJsonSchema(
  v.strictObject({
    // One by one: compilers order the members of a spread differently in declarations.
    name: commonOptions.name,
    setupCmds: commonOptions.setupCmds,
    secrets: commonOptions.secrets,
    maxSize: commonOptions.maxSize,
    workers: commonOptions.workers,
    env: commonOptions.env,
    orchestratorIp: Address,
    factoriesIps: v.optional(v.array(Address), []),
    key: sshOptions.key,
    username: sshOptions.username,
    // A key of flambé, which writes null if it is not used.
    remoteContext: v.optional(v.null('has no counterpart in flambeau: remove it')),
    usePublic: v.optional(v.boolean(), true),
    port: sshOptions.port,
    hostKeys: sshOptions.hostKeys,
    sshConfig: sshOptions.sshConfig,
    connectTimeout: sshOptions.connectTimeout,
    node: sshOptions.node,
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
 * workers: 4                                   # the most worker processes of a pool on each machine
 * env: { OMP_NUM_THREADS: 2 }                  # variables of runs and of the workers of their pools
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
    return new SSHHost(sshHostOptions(this, address))
  }
}
