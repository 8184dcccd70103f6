/** Tasks that do nothing, a second, through pools, beside a bare worker pool and bare BullMQ in the same rounds. */

import { redisServer } from './redis.js'
import { median, node, rounds } from './rounds.js'

const local = { peer: 'piscina', subjects: { 'flambeau, processes': 0.9 } }
/** Ours runs each task in a process of its own, so that one can be killed. So does only the second, which is not the peer. */
const queued = {
  peer: 'bare BullMQ',
  subjects: { 'bare BullMQ, child processes': undefined, 'flambeau, BullMQ': 0.8 },
}
/** As on a cluster, where the busiest process sets the rate when each has a processor. */
const apart = {
  peer: 'bare BullMQ, workers apart',
  subjects: { 'flambeau, BullMQ, workers apart': undefined },
}

/** In a quick run the programs hardly get warm: its ratios are lower, and those over Redis are no measure. */
export function* pools(quick) {
  const count = quick ? 1 : 3
  const tasks = quick ? [20_000, 20_000] : [100_000]
  yield* compare('2 workers', local, { count, slots: 0, tasks })
  if (!redisServer)
    return console.log('  no redis-server is at hand (on Debian: apt-get install redis-server)')
  const four = { count, slots: 4, tasks: quick ? [5000, 5000] : [100_000] }
  if (!quick) yield* compare('one at once', queued, { ...four, slots: 1, tasks: [20_000] })
  yield* compare('4 at once', quick ? withoutLimits(queued) : queued, four)
  if (!quick) yield* compare('4 at once', apart, { ...four, count: 1, tasks: [60_000] })
}

function withoutLimits({ peer, subjects }) {
  return { peer, subjects: Object.fromEntries(Object.keys(subjects).map((name) => [name, undefined])) }
}

function* compare(how, { peer, subjects }, { count, slots, tasks }) {
  const names = [peer, ...Object.keys(subjects)]
  const commands = names.map((name) => [name, ['bench/pool-subject.js', name, slots, ...tasks].map(String)])
  const results = rounds(count, Object.fromEntries(commands), (args) => JSON.parse(node(args)))
  const rates = (name) => results.get(name).map(({ rate }) => rate)
  for (const [name, atLeast] of Object.entries(subjects)) {
    const ratio = median(rates(name).map((rate, round) => rate / rates(peer)[round]))
    const value = `${Math.round(median(rates(name))).toLocaleString('en')} a second; ${costs(results.get(name), slots)}`
    yield { name: `tasks a second, ${name}, ${how}`, peer, ratio, atLeast, value }
  }
}

/** The processor time of a task, and what a machine gives on which no process waits for a processor: the rate of the busiest one. */
function costs(results, slots) {
  const cpu = leastCpu(results)
  const total = Object.values(cpu).reduce((sum, micros) => sum + micros, 0)
  // Only the worker processes are several.
  const each = ([name, micros]) => (/^(?:worker|main)\.js$/.test(name) ? micros / (slots || 2) : micros)
  const busiest = Math.max(...Object.entries(cpu).map(each))
  return `${total.toFixed(0)} µs of a processor each; the busiest process allows ${Math.round(1e6 / busiest).toLocaleString('en')}`
}

/** The round in which the processes took the least time. */
function leastCpu(results) {
  const total = ({ cpu }) => Object.values(cpu).reduce((sum, micros) => sum + micros, 0)
  return results.reduce((least, each) => (total(each) < total(least) ? each : least)).cpu
}
