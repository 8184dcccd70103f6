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

/** The address by which other nodes reach this one: many machines have 127.0.1.1 for their own name. */
async function ownAddress(): Promise<string> {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const reachable = addresses.filter(({ internal }) => !internal).map(({ address }) => address)
  const named = await lookup(hostname(), { all: true }).catch(() => [])
  const known = named.map(({ address }) => address).find((address) => reachable.includes(address))
  const [first = '127.0.0.1'] = reachable.filter((address) => !address.startsWith('fe80:'))
  return known ?? first
}
