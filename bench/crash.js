/** How long a task waits whose worker is killed: for its own process, and for all that takes part on a machine. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { bullmqEngine } from 'flambeau/bullmq'
import { openPool } from 'flambeau/pool'
import { Pid } from './pool-tasks.js'
import { redisServer, withRedis } from './redis.js'

const lockMs = 10_000
const program = new URL('../dist/bullmq/worker.js', import.meta.url)
const imports = [new URL('./pool-tasks.js', import.meta.url).href]

/** The second kind needs two hosts: another one has the task as soon as its lock has run out. */
export async function* crash() {
  if (!redisServer) return
  const peer = `its lock of ${lockMs / 1000} s`
  for (const [what, victim] of [
    ['its process', ({ pid }) => pid],
    ['its host', ({ ppid }) => ppid],
  ]) {
    const ms = await withRedis((redis) => again(redis, victim))
    const name = `a task begins again after ${what} is killed`
    yield { name, peer, ratio: ms / lockMs, atMost: 1.1, value: `${(ms / 1000).toFixed(1)} s` }
  }
}

async function again(redis, victim) {
  const engine = await bullmqEngine({ redis })
  const hosts = [startHost(redis, engine.queue), startHost(redis, engine.queue)]
  await Promise.all(hosts.map(({ stdout }) => once(stdout, 'data')))
  const pool = await openPool({ engine })
  const begun = []
  const onEvent = ({ type, value }) => {
    if (type !== 'progress') return
    begun.push(performance.now())
    if (begun.length === 1) process.kill(victim(value), 'SIGKILL')
  }
  for await (const _ of pool.map([new Pid()], { onEvent })) break
  await pool.close()
  for (const host of hosts) host.kill('SIGKILL')
  return begun[1] - begun[0]
}

function startHost(redis, queue) {
  const host = spawn(process.execPath, [program.pathname], { stdio: ['pipe', 'pipe', 'inherit'] })
  host.stdin.end(JSON.stringify({ redis, queue, imports, slots: 1, lockMs }))
  return host
}
