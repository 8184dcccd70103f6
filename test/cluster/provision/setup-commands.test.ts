// Setup commands run once on each host, can be interrupted, and may be what installs Node.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { ClusterConfigurationError, ClusterError, RemoteCommandError } from 'flambeau'
import {
  type Cluster,
  LocalCluster,
  LocalHost,
  type Member,
  type Members,
  type SessionEnded,
} from 'flambeau/cluster'
import { processesWith } from '../../support/processes.js'
import { until } from '../../support/until.js'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-setup-'))
after(() => rmSync(folder, { recursive: true }))

/** Has Node as soon as there is a file in its home folder that says so. */
class BareHost extends LocalHost {
  override start(argv: readonly string[]): ReturnType<LocalHost['start']> {
    const isAgent = argv.some((each) => each.includes('flambeau-no-node'))
    if (!isAgent || existsSync(join(this.folder, 'has-node'))) return super.start(argv)
    return super.start(['sh', '-c', 'echo flambeau-no-node >&2; exit 127'])
  }

  protected override explainEnd(ended: SessionEnded): ClusterError {
    if (!ended.stderr.includes('flambeau-no-node')) return super.explainEnd(ended)
    return new ClusterError('no Node', { code: 'HOST_NO_NODE' })
  }
}

class BareCluster extends LocalCluster {
  protected override connect(): Members {
    const { orchestrator } = super.connect()
    return { orchestrator: this.bare(orchestrator), factories: [] }
  }

  bare(member: Member): Member {
    return { ...member, host: new BareHost('bare', join(this.folder, 'orchestrator')) }
  }
}

describe('setup commands', () => {
  test('end when they are interrupted, with all that they started, and run again', async () => {
    const mark = `8${process.pid}.25`
    const home = join(folder, 'interrupted')
    const setupCmds = [`sleep ${mark}; true`, 'touch ~/never']
    await using cluster = new LocalCluster({ name: 'test', factories: 0, folder: home, setupCmds })
    await interruptUp(cluster, mark)
    await cluster.close()
    assert.equal(existsSync(join(home, 'orchestrator/never')), false)
    const [plan] = await cluster.plan()
    assert.ok(plan?.would.includes('run 2 setup commands'))
  })

  test('and all else that a first bringing up does are in the plan', async () => {
    await using cluster = new LocalCluster({ name: 'test', factories: 1, folder: join(folder, 'planned') })
    const [, factory] = await cluster.plan()
    assert.ok(factory?.would.includes('let the orchestrator in'))
    const [, done] = await cluster.up()
    assert.ok(done?.did.includes('let the orchestrator in'))
    for (const { would } of await cluster.plan()) assert.deepEqual(would, [])
  })

  const bare = (name: string, setupCmds: string[]): BareCluster =>
    new BareCluster({ name: 'test', factories: 0, folder: join(folder, name), setupCmds })

  test('that install Node run once, and it is told', async () => {
    await using cluster = bare('installing', ['echo ran >> ran', 'touch has-node'])
    const [report] = await cluster.up()
    assert.deepEqual(
      report?.did.filter((each) => each.startsWith('ran')),
      ['ran 2 setup commands'],
    )
    assert.equal(readFileSync(join(folder, 'installing/orchestrator/ran'), 'utf8'), 'ran\n')
  })

  test('that fail where there is no Node are named with what they said', async () => {
    await using cluster = bare('failing', ['true', 'echo no room >&2; exit 3', 'touch has-node'])
    const message = 'Command "echo no room >&2; exit 3" on host "bare" exited with 3:\nno room'
    await assert.rejects(cluster.up(), { code: 'COMMAND_FAILED', message })
  })

  test('can be interrupted where there is no Node', async () => {
    const mark = `8${process.pid}.5`
    await using cluster = bare('waiting', [`exec sleep ${mark}`])
    await interruptUp(cluster, mark)
  })

  test('can be interrupted while they are started where there is no Node', async () => {
    const controller = new AbortController()
    class Interrupted extends BareHost {
      override async start(argv: readonly string[]): ReturnType<LocalHost['start']> {
        const child = await super.start(argv)
        if (argv.some((each) => each.includes('ended'))) controller.abort()
        return child
      }
    }
    const command = `exec '${process.execPath}' -e "setTimeout(() => fs.writeFileSync('ended', ''), 5000)"`
    await using cluster = hostedBy((home) => new Interrupted('bare', home), {
      name: 'starting',
      setupCmds: [command],
    })
    await assert.rejects(cluster.up(controller), { name: 'AbortError' })
    assert.equal(existsSync(join(folder, 'starting/orchestrator/ended')), false)
  })
})

describe('bringing up a cluster', () => {
  test('that is configured wrongly is a mistake of the user, not a fault of its hosts', async () => {
    const wrong = new ClusterConfigurationError('wrong', { code: 'DEPENDENCY_NOT_INSTALLED' })
    class Wrong extends LocalHost {
      override async start(): ReturnType<LocalHost['start']> {
        throw wrong
      }
    }
    await using cluster = hostedBy((home) => new Wrong('wrong', home), { name: 'wrong', setupCmds: [] })
    for (const call of [() => cluster.up(), () => cluster.plan(), () => cluster.createDirs(['data'])])
      assert.equal(await call().catch((error) => error), wrong)
  })

  test('that fails has the error of its host as the cause', async () => {
    const setupCmds = ['echo no room >&2; exit 3']
    await using one = new LocalCluster({ name: 'one', factories: 0, folder: join(folder, 'one'), setupCmds })
    const { cause } = await one.up().catch((error) => error)
    assert.ok(cause instanceof RemoteCommandError)
    assert.deepEqual([cause.host, cause.remoteExitCode, cause.stderr], ['orchestrator', 3, 'no room'])
    await using two = new LocalCluster({ name: 'two', factories: 1, folder: join(folder, 'two'), setupCmds })
    const { code, cause: all } = await two.up().catch((error) => error)
    assert.equal(code, 'HOSTS_NOT_READY')
    assert.ok(all instanceof AggregateError)
    assert.deepEqual(all.errors.map(({ host }) => host).sort(), ['factory-1', 'orchestrator'])
  })
})

/** A cluster of one host, which is made for its home folder. */
function hostedBy(
  make: (home: string) => LocalHost,
  { name, setupCmds }: { readonly name: string; readonly setupCmds: string[] },
): Cluster {
  class Hosted extends LocalCluster {
    protected override connect(): Members {
      const { orchestrator } = super.connect()
      return {
        orchestrator: { ...orchestrator, host: make(join(this.folder, 'orchestrator')) },
        factories: [],
      }
    }
  }
  return new Hosted({ name: 'test', factories: 0, folder: join(folder, name), setupCmds })
}

/** Interrupts the bringing up while its setup command, which has a mark, runs; then nothing of that is left. */
async function interruptUp(cluster: Cluster, mark: string): Promise<void> {
  const controller = new AbortController()
  const up = cluster.up({ signal: controller.signal })
  await until(() => processesWith(mark).length === 1)
  controller.abort()
  await assert.rejects(up, { name: 'AbortError' })
  await until(() => processesWith(mark).length === 0)
}
