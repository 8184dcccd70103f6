// What is wrong on this machine is found out here, before any host is connected to.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { loadFile } from 'flambeau'
import { type Cluster, LocalCluster, SSHCluster } from 'flambeau/cluster'
import { endOf } from '../support/user-package.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-preflight-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const put = (name: string, content: string): string => {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

describe('a sweep for factories', () => {
  /** This package, installed by somebody who has no `bullmq`. */
  const install = (): void => {
    const installed = join(folder, 'node_modules/flambeau')
    mkdirSync(installed, { recursive: true })
    for (const name of ['package.json', 'dist']) cpSync(name, join(installed, name), { recursive: true })
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
    for (const name of Object.keys(dependencies)) {
      mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
      symlinkSync(join(process.cwd(), 'node_modules', name), join(folder, 'node_modules', name))
    }
  }

  test('says that a package is missing before it connects', async () => {
    install()
    put('package.json', '{ "name": "user", "type": "module" }')
    put(
      'tasks.js',
      "import { Runnable, registrable } from 'flambeau'\nclass T extends Runnable { constructor(o) { super(o) } run() { return { n: 1 } } }\nregistrable('!T')(T)\n",
    )
    put('sweep.yaml', '!Sweep\neach: !T { n: !choice [1, 2] }\nmetric: n\n')
    // Nobody is at these addresses: who connects waits, and then says something else.
    put(
      'cluster.yaml',
      '!SSHCluster { name: nobody, orchestrator_ip: 192.0.2.1, factories_ips: [192.0.2.2], ssh_config: /dev/null, connect_timeout: 60 }\n',
    )
    const cli = join(folder, 'node_modules/flambeau/dist/cli/main.js')
    const args = [cli, 'run', 'sweep.yaml', '-c', 'cluster.yaml', '--import', './tasks.js']
    const { code, stderr } = await endOf(spawn(process.execPath, args, { cwd: folder }))
    assert.deepEqual(
      [code, stderr.trim()],
      [22, 'The package "bullmq" is not installed: type "npm install bullmq ioredis"'],
    )
  })
})

describe('a relative path in the file of a cluster', () => {
  test('is taken from that file, and one in code from the current folder', async () => {
    put('lab/ssh', 'Host lab\n  HostName 192.0.2.1\n')
    const file = put(
      'lab/cluster.yaml',
      '!SSHCluster { name: a, orchestrator_ip: lab, key: ./keys/lab.pem, ssh_config: ssh, host_keys: known }\n',
    )
    await using cluster: Cluster = await loadFile(file, { expect: SSHCluster })
    const command = `ssh -F ${join(folder, 'lab/ssh')} -i ${join(folder, 'lab/keys/lab.pem')} lab`
    assert.equal(cluster.orchestrator.command, command)
    const local = put('lab/local.yaml', '!LocalCluster { name: b, folder: hosts }\n')
    assert.equal((await loadFile(local, { expect: LocalCluster })).folder, join(folder, 'lab/hosts'))
    assert.equal(new LocalCluster({ name: 'c', folder: 'hosts' }).folder, join(process.cwd(), 'hosts'))
    const home = put('lab/home.yaml', '!LocalCluster { name: d, folder: ~/hosts }\n')
    assert.equal((await loadFile(home, { expect: LocalCluster })).folder, join(process.env['HOME']!, 'hosts'))
  })
})
