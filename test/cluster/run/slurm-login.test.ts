// The login host of Slurm is reached over SSH; where it does not share its home folder with the nodes, another folder does it.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { SlurmCluster } from 'flambeau/cluster'
import { Project } from '../../support/cluster-project.js'
import { noSlurm, Slurm } from '../../support/slurm.js'
import type { SshHosts } from '../../support/ssh-hosts.js'

// The controller listens on the loopback, which a host with a network of its own does not reach.
process.env['FLAMBEAU_TEST_HOSTS'] = 'loopback'
const { noHosts, SshHosts: Hosts } = await import('../../support/ssh-hosts.js')

describe('a login host of Slurm', { skip: noSlurm || noHosts }, () => {
  let slurm: Slurm
  let hosts: SshHosts
  let project: Project
  before(async () => {
    slurm = await Slurm.start(1)
    hosts = await Hosts.start(1)
    project = new Project()
  })
  after(async () => {
    await hosts.end()
    await slurm.end()
    project.end()
  })

  const run = async (share?: string) => {
    await using cluster = new SlurmCluster({
      name: 'test',
      login: 'h1',
      sshConfig: hosts.config,
      ...(share && { share }),
    })
    const submitted = await cluster.submit(
      await project.job(`console.log('here'); return [process.env.HOME, process.env.FLAMBEAU_HOME]`),
      { imports: [project.module] },
    )
    const end = await submitted.wait()
    assert.match((await buffer(submitted.logs())).toString(), /^here$/m)
    const [home, override] = end.value as [string, string | null]
    assert.equal(override, null, 'a host that the run makes has a home folder of its own')
    return { home, id: end.id }
  }

  test('the run is in the home folder that the nodes share', async () => {
    const { home, id } = await run()
    assert.equal(home, hosts.all[0]!.home)
    assert.ok(existsSync(join(hosts.all[0]!.home, '.flambeau/runs', id, 'log')))
  })

  test('with "share" everything is in that folder', async () => {
    const share = mkdtempSync(join(tmpdir(), 'flambeau-share-'))
    try {
      const { home, id } = await run(share)
      assert.equal(home, share)
      assert.ok(existsSync(join(share, '.flambeau/runs', id, 'log')))
    } finally {
      rmSync(share, { recursive: true })
    }
  })

  test('a project in the home folder that is shared is sent', async () => {
    await using cluster = new SlurmCluster({ name: 'test', share: project.folder })
    const run = await cluster.submit(await project.job('return 1'), { imports: [project.module] })
    assert.equal((await run.wait()).value, 1)
    await cluster.down()
  })

  test('a host without Slurm says so', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'flambeau-bin-'))
    // The agent adds the folder of its Node to PATH, so it is another Node.
    copyFileSync(process.execPath, join(bin, 'node'))
    for (const name of ['sh', 'ssh-keygen']) symlinkSync(whereIs(name), join(bin, name))
    project.file('slurm.yaml', `!SlurmCluster\nname: test\nshare: ${project.folder}\n`)
    const job = project.jobFile('return 1')
    const command = resolve('dist/cli/main.js')
    const args = [command, 'run', job, '--import', './jobs.js', '-c', 'slurm.yaml']
    const options = {
      cwd: project.folder,
      env: { PATH: bin, HOME: project.folder },
      encoding: 'utf8',
    } as const
    const ends = [args, [command, 'up', 'slurm.yaml']].map((each) =>
      spawnSync(join(bin, 'node'), each, options),
    )
    rmSync(bin, { recursive: true })
    for (const { status, stderr } of ends) {
      assert.match(stderr, /^Host "this machine" has no "sbatch": name a login host of Slurm as "login"\n$/)
      assert.equal(status, 22)
    }
  })
})

function whereIs(name: string): string {
  return execFileSync('which', [name], { encoding: 'utf8' }).trim()
}
