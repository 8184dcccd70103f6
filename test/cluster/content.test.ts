// What a cluster lets a `setup` do on its hosts: folders, files, commands, all in a folder of its own.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ClusterConfigurationError, RemoteCommandError } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'

describe('the content of a cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-content-'))
  const cluster = new LocalCluster({ name: 'content', factories: 2, folder: join(folder, 'hosts') })
  const onHost = (host: string, path: string) =>
    join(folder, 'hosts', host, '.flambeau/clusters/content/content', path)
  const hosts = ['orchestrator', 'factory-1', 'factory-2']

  before(async () => {
    mkdirSync(join(folder, 'data/deep'), { recursive: true })
    writeFileSync(join(folder, 'data/deep/a.txt'), 'a')
    writeFileSync(join(folder, 'one.txt'), 'one')
    await cluster.up()
  })
  after(async () => {
    await cluster.down({ force: true })
    rmSync(folder, { recursive: true })
  })

  test('folders are made on all hosts, found, emptied and removed', async () => {
    assert.equal(await cluster.existingDir('data'), false)
    await cluster.createDirs(['data/in', 'data/out'])
    for (const host of hosts) assert.ok(existsSync(onHost(host, 'data/in')))
    assert.equal(await cluster.existingDir('data/out'), true)
    await cluster.removeDir('data', { contentOnly: true })
    assert.deepEqual([await cluster.existingDir('data'), await cluster.existingDir('data/in')], [true, false])
    await cluster.removeDir('data')
    assert.equal(await cluster.existingDir('data'), false)
  })

  test('a folder on one host alone is found, too', async () => {
    await cluster.factories[1]!.makeFolders(['.flambeau/clusters/content/content/lonely'])
    assert.equal(await cluster.existingDir('lonely'), true)
  })

  test('no path leads out of it', async () => {
    for (const path of ['../other', '/etc', 'a/../../b'])
      await assert.rejects(
        cluster.createDirs([path]),
        (error) => error instanceof ClusterConfigurationError && error.code === 'OUTSIDE_OF_CLUSTER',
      )
  })

  test('files and folders are sent by name, and what is not here is taken for a path there', async () => {
    const content = {
      set: join(folder, 'data'),
      file: join(folder, 'one.txt'),
      there: '/data/on/the/host',
      home: '~/of-the-host',
    }
    const sent = await cluster.sendLocalContent(content, 'sent')
    assert.equal(sent['there'], '/data/on/the/host')
    assert.equal(sent['home'], join(folder, 'hosts/orchestrator/of-the-host'))
    assert.equal(readFileSync(join(sent['set']!, 'deep/a.txt'), 'utf8'), 'a')
    assert.equal(readFileSync(sent['file']!, 'utf8'), 'one')
    assert.equal(existsSync(onHost('factory-1', 'sent')), false)
    await cluster.sendLocalContent(content, 'sent', { allHosts: true })
    assert.ok(existsSync(onHost('factory-2', 'sent/set/data/deep/a.txt')))
  })

  test('commands run on all hosts, in order; the first that fails is named with its host and what it said', async () => {
    await cluster.runCommands(['echo 1 > ~/order', 'echo 2 >> ~/order'])
    for (const host of hosts)
      assert.equal(readFileSync(join(folder, 'hosts', host, 'order'), 'utf8'), '1\n2\n')
    await cluster.factories[0]!.put('bad', '')
    const failing = cluster.runCommands(['test ! -e ~/bad || { echo "no good" >&2; exit 3; }'])
    await assert.rejects(failing, /Command "test .*" on host "factory-1" exited with 3:\s+no good/)
  })

  test('a script fails with its exit code and what it said', async () => {
    const error = await cluster.orchestrator
      .script('echo "$1" >&2; exit 4', ['sorry'])
      .catch((thrown) => thrown)
    assert.ok(error instanceof RemoteCommandError)
    assert.deepEqual([error.host, error.remoteExitCode, error.stderr], ['orchestrator', 4, 'sorry'])
  })

  test('the least of what the factories have is told', async () => {
    const { cpus: count, memory, gpus } = await cluster.getMaxResources()
    assert.deepEqual([count, memory > 0, Array.isArray(gpus)], [cpus().length, true, true])
  })

  test('commands that fail have the exit code of each host and what it said in the cause', async () => {
    const failing = (command: string) => cluster.runCommands([command]).catch((error) => error)
    const { cause } = await failing('case $HOME in */factory-1) echo "no good" >&2; exit 3;; esac')
    assert.ok(cause instanceof RemoteCommandError)
    assert.deepEqual([cause.host, cause.remoteExitCode, cause.stderr], ['factory-1', 3, 'no good'])
    const { cause: all } = await failing('exit 4')
    assert.deepEqual(
      all.errors.map(({ host, remoteExitCode }: RemoteCommandError) => `${host} ${remoteExitCode}`).sort(),
      ['factory-1 4', 'factory-2 4', 'orchestrator 4'],
    )
  })
})
