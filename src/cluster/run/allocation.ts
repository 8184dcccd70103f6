import { execFile } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { hostname, networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { RemoteEnvironment } from '../remote-environment.js'

const execute = promisify(execFile)

/** The nodes of the allocation of Slurm that this process is in, the one that it runs on first. */
export async function allocatedNodes(): Promise<string[]> {
  const { stdout } = await execute('scontrol', ['show', 'hostnames', process.env['SLURM_JOB_NODELIST'] ?? ''])
  return stdout.split('\n').filter((name) => name !== '')
}

/** The environment of a run in an allocation of Slurm, from the one that it was submitted with. */
export async function allocationEnvironment(submitted: RemoteEnvironment): Promise<RemoteEnvironment> {
  const { key, user, localUser } = submitted
  const [orchestratorIp, factoriesIps] = await Promise.all([ownAddress(), allocatedNodes()])
  return new RemoteEnvironment({ key, user, localUser, orchestratorIp, factoriesIps })
}

/** Networks that other machines do not reach. */
const bridges = /^(?:docker|br-|virbr|veth|cni|podman|lxc)/

/** The address by which other nodes reach this one: many machines have 127.0.1.1 for their own name. */
async function ownAddress(): Promise<string> {
  const networks = Object.entries(networkInterfaces()).filter(([name]) => !bridges.test(name))
  const addresses = networks.flatMap(([, each]) => each ?? []).filter(({ internal }) => !internal)
  const reachable = addresses.map(({ address }) => address)
  const names = [process.env['SLURMD_NODENAME'] ?? '', hostname()]
  const found = await Promise.all(names.map((name) => lookup(name, { all: true }).catch(() => [])))
  const named = found.flat().map(({ address }) => address)
  const [first = '127.0.0.1'] = reachable.filter((address) => !address.startsWith('fe80:'))
  return named.find((address) => reachable.includes(address)) ?? first
}
