// Programs are killed at random moments while runs are queued: each run that was queued runs once, in order.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { dump } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'
import { Project } from '../../support/cluster-project.js'
import { allProcesses, argumentsOf, kill, read } from '../../support/processes.js'
import { random } from '../../support/random.js'
import { until } from '../../support/until.js'
import { endOf } from '../../support/user-package.js'

const kills = 50
/** Half of them are supervisors. */
const kinds = ['supervisors', 'supervisors', 'commands', 'agents'] as const
const leastRuns = 12

describe('a queue', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flambeau-kills-'))
  const home = join(folder, 'orchestrator')
  const make = (): LocalCluster => new LocalCluster({ name: 'test', folder })
  let project: Project
  before(() => {
    project = new Project()
  })
  after(() => {
    project.end()
    rmSync(folder, { recursive: true, force: true })
  })

  /** The processes that may be killed: commands, agents, and supervisors, but not the runs. */
  const victims = {
    commands: () => find((words) => words.includes(clusterFile)),
    agents: () =>
      find((words, pid) => words[1] === '-e' && read(`/proc/${pid}/environ`).includes(`HOME=${home}\0`)),
    supervisors: () =>
      find((words) => words[1]?.endsWith('supervise.js') === true && words[2]!.startsWith(home)),
  }
  let clusterFile = ''

  test(`runs each run once and in order, whichever programs are killed at ${kills} random moments`, async (t) => {
    const seed = Number(process.env['FLAMBEAU_SEED'] ?? Date.now() % 1e6)
    t.diagnostic(`FLAMBEAU_SEED=${seed}`)
    const next = random(seed)
    clusterFile = project.file('cluster.yaml', dump(make()))
    project.jobFile(
      `files.appendFileSync(process.env.HOME + '/ran', process.env.FLAMBEAU_RUN.split('/').at(-1) + '\\n'); await delay(300)`,
    )
    await using cluster = make()
    await cluster.up()
    const killed = { commands: 0, agents: 0, supervisors: 0 }
    const total = (): number => Object.values(killed).reduce((sum, each) => sum + each)
    const queued: string[] = []

    const submit = async (isEnough: () => boolean): Promise<void> => {
      while (!isEnough()) {
        const child = project.start(
          'run',
          'job.yaml',
          '--import',
          './jobs.js',
          '-c',
          clusterFile,
          '--queue',
          '--detach',
        )
        const { stdout } = await endOf(child)
        if (stdout !== '') queued.push(stdout.trim())
      }
    }
    const killOne = async (kind: keyof typeof victims): Promise<void> => {
      for (;;) {
        await until(() => victims[kind]().length > 0, `there is one of the ${kind}`)
        await delay(next() * 300)
        const found = victims[kind]()
        const pid = found[Math.floor(next() * found.length)]
        if (pid === undefined || !kill(pid, 'SIGKILL')) continue
        killed[kind]++
        return
      }
    }
    const killAll = async (): Promise<void> => {
      while (total() < kills) await killOne(kinds[Math.floor(next() * kinds.length)]!)
    }
    await submit(() => queued.length === leastRuns)
    await Promise.all([killAll(), submit(() => total() >= kills)])
    t.diagnostic(`killed: ${JSON.stringify(killed)}; queued: ${queued.length}`)

    // The agent of this process may have been killed as well.
    await until(async () => {
      const runs = await cluster.runs().catch(() => [])
      return runs.length > 0 && runs.every(({ state }) => !['queued', 'starting', 'running'].includes(state))
    })
    const ran = readFileSync(join(home, 'ran'), 'utf8').trim().split('\n')
    assert.equal(new Set(ran).size, ran.length, 'none runs twice')
    assert.deepEqual(
      ran.filter((id) => queued.includes(id)),
      queued,
    )
    // A run whose command was killed may have been queued before, or not.
    const claims = join(home, '.flambeau/clusters/test/claims')
    const order = readdirSync(claims)
      .sort((a, b) => Number(a) - Number(b))
      .map((name) => readlinkSync(join(claims, name)))
    // Earlier claims are removed.
    assert.deepEqual(ran.slice(-order.length), order)
    const others = (await cluster.runs()).filter(({ id }) => !ran.includes(id))
    assert.deepEqual(
      others.map(({ state }) => state).filter((state) => state !== 'lost'),
      [],
    )
    await cluster.down()
  })
})

function find(matches: (words: readonly string[], pid: number) => boolean): number[] {
  return allProcesses().filter((pid) => pid !== process.pid && matches(argumentsOf(pid), pid))
}
