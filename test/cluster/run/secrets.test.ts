// Secrets go to the orchestrator alone, are gone after the run, and show nowhere; keys and hosts are not just believed.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { type Cluster, LocalCluster, SSHCluster } from 'flambeau/cluster'
import { Project } from '../../support/cluster-project.js'
import { allProcesses, read } from '../../support/processes.js'
import { makeKey, noHosts, SshHosts } from '../../support/ssh-hosts.js'
import { until } from '../../support/until.js'

const canary = `canary-${process.pid}-%%-100%% ' " \\ é`
/** What of it is on a disk, however it is written there. */
const found = `canary-${process.pid}-`
const kept = `kept-${process.pid}-at-home`

let project: Project
let secrets: string
before(() => {
  project = new Project()
  secrets = project.file('secrets.ini', `[AWS]\nKEY = ${canary}\nOTHER = 2\n\n[PRIVATE]\nKEY = ${kept}\n`)
})
after(() => project.end())

describe('secrets on SSH hosts', { skip: noHosts }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(3)
  })
  after(() => hosts.end())
  keepsSecrets({
    make: (sections) =>
      new SSHCluster({
        name: 'test',
        orchestratorIp: 'h1',
        factoriesIps: ['h2', 'h3'],
        sshConfig: hosts.config,
        connectTimeout: 10,
        ...(sections ? { secrets: sections } : {}),
      }),
    folders: () => hosts.all.map(({ folder }) => folder),
  })
})

describe('secrets on a local cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-local-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  keepsSecrets({
    make: (sections) =>
      new LocalCluster({ name: 'test', folder, factories: 2, ...(sections ? { secrets: sections } : {}) }),
    folders: () => ['orchestrator', 'factory-1', 'factory-2'].map((name) => join(folder, name)),
  })
})

interface Place {
  readonly make: (secrets?: string[]) => Cluster
  /** All that is on the disk of each host. */
  readonly folders: () => string[]
}

function keepsSecrets({ make, folders }: Place): void {
  const filesWith = (text: string): string[][] =>
    folders().map((folder) => filesBelow(folder).filter((path) => read(path).includes(text)))

  test('a run has the sections that may leave, and no others', async () => {
    await using cluster = make(['AWS'])
    const code = `console.log('ready')
      while (!files.existsSync('go')) await delay(20)
      const missing = (() => { try { return this.config.get('PRIVATE', 'KEY') } catch (error) { return error.message } })()
      return { length: this.config.get('AWS', 'KEY').length,
        other: this.config.getNumber('AWS', 'other'), missing }`
    const run = await cluster.submit(await project.job(code, { secrets }), { imports: [project.module] })
    await until(async () => (await run.status()).logSize > 0)
    assert.deepEqual(filesWith(found), [[], [], []], 'on a disk, after the run has read them')
    assert.deepEqual(processesThatShow(found), [])
    await cluster.orchestrator.put(`.flambeau/runs/${run.id}/work/go`, '')
    const { value, state } = await run.wait()
    const { missing, length, other } = value as Record<string, any>
    assert.deepEqual([state, length, other], ['succeeded', canary.replaceAll('%%', '%').length, 2])
    assert.match(missing, /\[PRIVATE\]/)
    assert.match(missing, /secrets: \[PRIVATE\]|"secrets"/)
    assert.doesNotMatch(missing, new RegExp(kept))
    assert.deepEqual(
      [filesWith(found), filesWith(kept)],
      [
        [[], [], []],
        [[], [], []],
      ],
    )
    assert.doesNotMatch((await buffer(run.logs())).toString(), new RegExp(`${found}|${kept}`))
  })

  test('before a run has read them, they are in one file that only its owner can read', async () => {
    await using cluster = make(['AWS'])
    await cluster.up()
    await withHeldStart(cluster, async (begin) => {
      const submitted = cluster.submit(await project.job('return 1', { secrets }), {
        imports: [project.module],
      })
      const isThere = () =>
        filesMeanwhile(folders()[0]!).some((path) => /\/runs\/[^/.]+\/secrets\.json$/.test(path))
      await until(isThere, 'secrets on the orchestrator')
      const [there, ...factories] = filesWith(found)
      assert.match(there![0]!, /\.flambeau\/runs\/[^/]+\/secrets\.json$/)
      assert.equal(lstatSync(there![0]!).mode & 0o777, 0o600)
      assert.deepEqual([there!.length, factories, processesThatShow(found)], [1, [[], []], []])
      await begin()
      assert.equal((await (await submitted).wait()).value, 1)
    })
    assert.deepEqual(filesWith(found), [[], [], []])
  })

  test('none leave when the cluster names none', async () => {
    await using cluster = make()
    const run = await cluster.submit(await project.job(`return this.config.get('AWS', 'KEY')`, { secrets }), {
      imports: [project.module],
    })
    const { state, exitCode } = await run.wait()
    assert.deepEqual([state, exitCode], ['failed', 22])
    const log = (await buffer(run.logs())).toString()
    assert.match(log, /\[AWS\]/)
    assert.match(log, /secrets/)
    assert.deepEqual(filesWith(found), [[], [], []])
  })

  test('one that cannot be read is named, without its value, and nothing is sent', async () => {
    const value = `bad-${process.pid}-`
    const bad = project.file('bad.ini', `[AWS]\nKEY = ${value}%\n`)
    await using cluster = make(['AWS'])
    const job = await project.job('return "sent"', { secrets: bad })
    const failure = await cluster.submit(job, { imports: [project.module] }).then(String, String)
    rmSync(bad)
    assert.match(failure, /"key" in section "AWS".*stray "%"/)
    assert.doesNotMatch(failure, new RegExp(value))
    assert.deepEqual(
      [filesWith(value), filesWith('return \\"sent\\"')],
      [
        [[], [], []],
        [[], [], []],
      ],
    )
  })

  test('those that were put in place for the next run are gone after it, however it ends', async () => {
    for (const [code, state] of [
      ['return 1', 'succeeded'],
      [`throw new Error('no')`, 'failed'],
      [`process.kill(process.pid, 'SIGKILL'); await delay(5000)`, 'failed'],
    ] as const) {
      await using cluster = make(['AWS'])
      await cluster.injectSecrets(secrets)
      const path = await cluster.sendSecrets()
      assert.match(path, /\.flambeau\/clusters\/test\/secrets\.json$/)
      assert.equal(filesWith(found)[0]!.length, 1)
      const run = await cluster.submit(await project.job(code, { secrets }), { imports: [project.module] })
      assert.equal((await run.wait()).state, state)
      await until(() => filesWith(found)[0]!.length === 0, 'secrets removed')
    }
  })

  test('a secret shows in no error, plan or dump', async () => {
    const file = project.file('cluster.yaml', await fileOf(make(['AWS'])))
    project.jobFile(`throw new Error('failed on purpose')`)
    for (const command of [
      ['plan', 'job.yaml'],
      ['run', 'job.yaml'],
    ]) {
      const { stdout, stderr } = await project.flambeau(
        ...command,
        '-c',
        file,
        '-s',
        'secrets.ini',
        '--import',
        './jobs.js',
      )
      assert.doesNotMatch(stdout + stderr, new RegExp(`${found}|${kept}`))
      assert.match(stdout + stderr, command[0] === 'plan' ? /\[AWS\]/ : /failed on purpose/)
    }
  })
}

/** Lets the program of the next run begin only when it is told to: it waits for a file. */
async function withHeldStart(
  cluster: Cluster,
  act: (begin: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const { orchestrator } = cluster
  const [name] = (await orchestrator.exec(['sh', '-c', 'ls .flambeau/packages'])).stdout
    .toString()
    .trim()
    .split('\n')
  const path = `.flambeau/packages/${name}/node_modules/flambeau/dist/cluster/run-job.js`
  const program = (await orchestrator.get(path)).toString()
  const held = `import { existsSync } from 'node:fs'
    while (!existsSync(new URL('go', import.meta.url))) await new Promise((go) => setTimeout(go, 20))
    await import('./run-job-later.js')\n`
  // Neither its size nor its time says that it was written to: else the package would be sent anew.
  await orchestrator.put(path, held.padEnd(Buffer.byteLength(program)))
  await orchestrator.exec(['touch', '-d', '1 day ago', path])
  await orchestrator.put(path.replace('run-job.js', 'run-job-later.js'), program)
  try {
    await act(() => orchestrator.put(path.replace('run-job.js', 'go'), ''))
  } finally {
    await orchestrator.put(path, program)
  }
}

async function fileOf(cluster: Cluster): Promise<string> {
  const { dump } = await import('flambeau')
  return dump(cluster)
}

/** Processes with a text in their arguments or their environment, but for this one. */
function processesThatShow(text: string): number[] {
  const shows = (pid: number) =>
    ['cmdline', 'environ'].some((name) => read(`/proc/${pid}/${name}`).includes(text))
  return allProcesses().filter((pid) => pid !== process.pid && shows(pid))
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

// While a run is sent, folders get their names when they are whole.
function filesMeanwhile(folder: string): string[] {
  try {
    return filesBelow(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return []
  }
}

describe('a host', { skip: noHosts }, () => {
  let hosts: SshHosts
  before(async () => {
    hosts = await SshHosts.start(2)
  })
  after(() => hosts.end())
  const make = (options: object = {}) =>
    new SSHCluster({
      name: 'test',
      orchestratorIp: 'h1',
      factoriesIps: ['h2'],
      sshConfig: hosts.config,
      ...options,
    })
  const publicKey = (index: number) =>
    readFileSync(join(hosts.all[index]!.folder, 'etc/ssh_host_ed25519_key.pub'), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ')

  test('whose key is pinned is believed, and no other', async () => {
    await using pinned = make({ hostKeys: { h1: publicKey(0), h2: publicKey(1) } })
    assert.equal((await pinned.up()).length, 2)
    const executions = hosts.all[1]!.counts().executions
    await using swapped = make({ hostKeys: { h1: publicKey(0), h2: publicKey(0) } })
    await assert.rejects(swapped.up(), { code: 'HOST_KEY_CHANGED', message: /host "h2".*nothing was sent/ })
    await using unknown = make({ hostKeys: { h1: publicKey(0) } })
    rmSync(hosts.knownHosts, { force: true })
    await assert.rejects(unknown.up(), { code: 'HOST_KEY_UNKNOWN', message: /host "h2"/ })
    assert.equal(hosts.all[1]!.counts().executions, executions)
  })

  test('that is not known is refused when only known ones are believed', async () => {
    rmSync(hosts.knownHosts, { force: true })
    await using known = make({ hostKeys: 'known' })
    await assert.rejects(known.up(), { code: 'HOSTS_NOT_READY', message: /is unknown/ })
    await using first = make()
    await first.up()
    await first.close()
    assert.equal((await known.up()).length, 2)
  })

  test('whose key has changed gets nothing, and is named', async () => {
    await using first = make()
    await first.up()
    await first.close()
    const host = hosts.all[1]!
    await host.kill()
    rmSync(join(host.folder, 'etc'), { recursive: true })
    await import('node:fs').then(({ mkdirSync }) => mkdirSync(join(host.folder, 'etc')))
    makeKey(join(host.folder, 'etc/ssh_host_ed25519_key'))
    await host.boot()
    const before = host.counts()
    await using again = make()
    await assert.rejects(again.up(), { code: 'HOST_KEY_CHANGED', exitCode: 69, message: /ssh-keygen -R/ })
    assert.deepEqual(host.counts(), before, 'it was not even logged in to')
    appendFileSync(hosts.knownHosts, '')
    writeFileSync(hosts.knownHosts, '')
  })
})
