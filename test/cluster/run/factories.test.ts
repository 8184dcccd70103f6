// The orchestrator reaches its factories as the file of the cluster says.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RemoteEnvironment } from 'flambeau'
import { connectToFactories, SSHCluster } from 'flambeau/cluster'

class OpenCluster extends SSHCluster {
  get connections() {
    return this.connect().factories.map(({ connection }) => connection)
  }
}

test('the path of Node on the hosts goes along to the orchestrator', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-factories-'))
  const cluster = new OpenCluster({
    name: 'test',
    orchestratorIp: 'h1',
    factoriesIps: ['h2'],
    node: '/opt/n/node',
  })
  const files = { 'program.json': {}, 'connection.json': { factories: cluster.connections } }
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), JSON.stringify(content))
  const ips = { orchestratorIp: 'h1', factoriesIps: ['h2'] }
  const env = new RemoteEnvironment({ ...ips, key: '/key', user: 'ada', localUser: 'ada' })
  process.env['FLAMBEAU_RUN'] = folder
  try {
    const [factory] = await connectToFactories(env)
    assert.deepEqual([factory?.name, factory?.node], ['h2', '/opt/n/node'])
  } finally {
    delete process.env['FLAMBEAU_RUN']
    rmSync(folder, { recursive: true })
  }
})
