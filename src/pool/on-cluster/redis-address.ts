import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { ClusterConfigurationError } from '../../errors.js'

/**
 * The address of this host by which the others of the cluster reach it.
 *
 * @throws {@link ClusterConfigurationError} when it is none of its own.
 */
export async function ownAddress(orchestratorIp: string): Promise<string> {
  const { address } = await lookup(orchestratorIp).catch(() => ({ address: undefined }))
  const own = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? [])
  if (address !== undefined && own.includes(address)) return address
  const there = own.filter((each) => !/^(?:127\.|::1$|fe80:)/.test(each)).join(', ')
  const message = `"${orchestratorIp}" is no address of the orchestrator (it has ${there || 'none'}), so its factories cannot reach a Redis there: write "orchestrator_ip: [public, private]"`
  throw new ClusterConfigurationError(message, { code: 'NOT_OWN_ADDRESS' })
}

/** A port that is free at an address now. */
export async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
