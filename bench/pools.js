/** No-op tasks a second through pools, relative to a bare worker pool and to bare BullMQ in the same rounds. */

import { redisServer } from './redis.js'
import { median, node, rounds } from './rounds.js'

const local = { piscina: undefined, 'flambeau, processes': 0.5 }
/** Ours runs each task in a process of its own, as the second does, so that one can be killed. */
const queued = {
  'bare BullMQ': undefined,
  'bare BullMQ, child processes': undefined,
  'flambeau, BullMQ': 0.8,
}

export function pools(count) {
  compare(count, 'No-op tasks a second, 2 workers', local)
  if (!redisServer)
    return console.log('\nNo redis-server is at hand (on Debian: apt-get install redis-server)')
  compare(count, 'No-op tasks a second over Redis, one at once', queued, 1)
  compare(count, 'No-op tasks a second over Redis, 4 at once', queued, 4)
}

function compare(count, title, limits, slots = 0) {
  const commands = Object.fromEntries(
    Object.keys(limits).map((name) => [name, ['bench/pool-subject.js', name, String(slots)]]),
  )
  const results = rounds(count, commands, (args) => JSON.parse(node(args)))
  const [base] = Object.keys(limits)
  const best = (name) => Math.max(...results.get(name).map(({ rate }) => rate))
  console.log(`\n${title}`)
  for (const [name, limit] of Object.entries(limits)) {
    const ratio = best(name) / best(base)
    const first = median(results.get(name).map(({ firstMs }) => firstMs))
    const bound = limit === undefined ? '' : `  at least ${limit}${ratio >= limit ? '' : '  MISSED'}`
    const columns = [
      name.padEnd(30),
      Math.round(best(name)),
      `${ratio.toPrecision(3)} ×`,
      `first after ${first.toFixed(0)} ms`,
    ]
    console.log(`  ${columns.join('  ')}${bound}`)
  }
}
