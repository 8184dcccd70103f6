// A run that fills the disk of its orchestrator: what is known of it stays exact, and what is lost is told.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Project } from '../../support/cluster-project.js'
import { noMachines, SshHosts } from '../../support/ssh-hosts.js'

/** Fills the disk with one large file, or with as many as there can be. */
const fill = {
  space: `
    const file = files.openSync('big', 'w')
    try { for (;;) files.writeSync(file, Buffer.alloc(65536, 1)) } catch (error) { if (error.code !== 'ENOSPC') throw error }
    try { for (;;) files.writeSync(file, Buffer.alloc(1, 1)) } catch (error) { if (error.code !== 'ENOSPC') throw error }`,
  inodes: `
    try { for (let at = 0; ; at++) files.writeFileSync('f' + at, '') } catch (error) { if (error.code !== 'ENOSPC') throw error }`,
}

describe('a run that fills the disk', { skip: noMachines }, () => {
  let hosts: SshHosts
  let project: Project
  let cluster: string

  before(async () => {
    hosts = await SshHosts.start(1)
    project = new Project()
    cluster = project.sshClusterFile(hosts)
    const [host] = hosts.all
    const root = join(host!.home, '.flambeau')
    mkdirSync(root)
    const mount = ['mount', '-t', 'tmpfs', '-o', 'size=24m,nr_inodes=4000,mode=0700', 'tmpfs', root]
    execFileSync('nsenter', ['-t', String(host!.processes()[0]), '-m', ...mount])
  })
  after(async () => {
    project.end()
    await hosts.end()
  })

  const flambeau = (...args: string[]) => project.flambeau(...args, '-c', cluster)

  async function runs(code: string): Promise<{ id: string; code: number | null; stderr: string }> {
    const file = project.jobFile(code)
    const { code: exit, stderr } = await flambeau('run', '--import', './jobs.js', file)
    const id = /Run (\S+) is started/.exec(stderr)?.[1] ?? ''
    return { id, code: exit, stderr }
  }

  async function free(id: string): Promise<void> {
    const [host] = hosts.all
    const work = join(host!.home, '.flambeau/runs', id, 'work')
    execFileSync('nsenter', ['-t', String(host!.processes()[0]), '-m', 'sh', '-c', `rm -rf ${work}/*`])
  }

  for (const [what, filling] of Object.entries(fill))
    test(`of ${what} has its exact exit code, and every command works`, async () => {
      const said = `for (let at = 0; at < 3000; at++) { console.log('line ' + at); process.stdout.write('part\\n'); console.error('e') }`
      const { id, code } = await runs(
        `console.log('begins');${filling};${said}; throw Object.assign(new Error('it is over'), { exitCode: 3 })`,
      )
      assert.equal(code, 3)
      const status = await flambeau('status', id, '--json')
      assert.equal(status.code, 0, status.stderr)
      const { state, exitCode } = JSON.parse(status.stdout)
      assert.deepEqual({ state, exitCode }, { state: 'failed', exitCode: 3 })
      assert.equal((await flambeau('wait', id)).code, 3)
      const logs = await flambeau('logs', id)
      assert.equal(logs.code, 0)
      assert.match(logs.stdout, /^begins\n/)
      assert.match(
        logs.stdout,
        /\[flambeau: the log may be incomplete: this host had no space for all of it \(ENOSPC\)\]\n$/,
      )
      const next = await runs('return 1')
      assert.equal(next.code, 69)
      assert.match(next.stderr, /no space, or no inodes, left on its disk \(ENOSPC\): free some/)
      await free(id)
      assert.equal((await runs('return 1')).code, 0)
    })

  test('has its small result all the same, and says that a large one is lost', async () => {
    const small = await runs(`${fill.space}; return { small: true }`)
    assert.equal(small.code, 0)
    assert.deepEqual(JSON.parse((await flambeau('wait', small.id)).stdout), { small: true })
    await free(small.id)
    const large = await runs(`${fill.space}; return 'x'.repeat(100000)`)
    assert.equal(large.code, 74, large.stderr)
    assert.match(
      (await flambeau('logs', large.id)).stdout,
      /the result is lost: this host had no space for it \(ENOSPC\)/,
    )
    await free(large.id)
  })

  test('loses events, and has those before and after', async () => {
    const progress =
      'for (let step = 0; step < 500; step++) options.progress({ step, text: "x".repeat(200) })'
    const { id, code } = await runs(
      `options.progress('before');${fill.space};${progress}; files.ftruncateSync(file); options.progress('after'); return 1`,
    )
    assert.equal(code, 0)
    const folder = join(project.folder, '.flambeau/runs', id)
    const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n')
    const values = lines.map((line) => JSON.parse(line).value).filter(Boolean)
    assert.deepEqual(values, ['before', 'after'])
    assert.ok(lines.length < 502)
    assert.equal(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')).state, 'succeeded')
  })

  test('can be cancelled', async () => {
    const file = project.jobFile(`${fill.space}; await delay(600000, undefined, { signal: options.signal })`)
    const { stdout, stderr } = await flambeau('run', '--import', './jobs.js', file, '--detach')
    const id = stdout.trim()
    assert.match(id, /^[\w-]+$/, stderr)
    const filled = `until [ -s ${join(hosts.all[0]!.home, '.flambeau/runs', id, 'work/big')} ]; do sleep 0.05; done`
    execFileSync('nsenter', ['-t', String(hosts.all[0]!.processes()[0]), '-m', 'sh', '-c', filled], {
      timeout: 60_000,
    })
    assert.equal((await flambeau('cancel', id)).code, 0)
    assert.equal(JSON.parse((await flambeau('status', id, '--json')).stdout).state, 'cancelled')
  })
})
