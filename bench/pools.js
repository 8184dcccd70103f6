/** No-op tasks a second through pools, relative to a bare worker pool and to bare BullMQ in the same rounds. */

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

/**
 * Prints the tables, and returns a row for each subject of ours: `{ name, value, peer, ratio, limit }`, where `value` and `peer` are
 * tasks a second. `quick` takes less than 20 s, in which the programs hardly get warm: its ratios are lower.
 */
export function pools(count, { quick = false } = {}) {
  const tasks = quick ? [20_000, 20_000] : [100_000]
  const rows = compare('No-op tasks a second, 2 workers', local, { count, slots: 0, tasks })
  if (!redisServer) {
    console.log('\nNo redis-server is at hand (on Debian: apt-get install redis-server)')
    return rows
  }
  const four = { count, slots: 4, tasks: quick ? [5000, 5000] : [100_000] }
  const title = 'No-op tasks a second over Redis'
  if (quick) return [...rows, ...compare(`${title}, 4 at once`, withoutReference(queued), four)]
  return [
    ...rows,
    ...compare(`${title}, one at once`, queued, { ...four, slots: 1, tasks: [40_000] }),
    ...compare(`${title}, 4 at once`, queued, four),
    ...compare(`${title}, 4 at once, workers in a process of their own`, apart, four),
  ]
}

function withoutReference({ peer, subjects }) {
  return { peer, subjects: Object.fromEntries(Object.entries(subjects).filter(([, limit]) => limit)) }
}

function compare(title, { peer, subjects }, { count, slots, tasks }) {
  const names = [peer, ...Object.keys(subjects)]
  const commands = names.map((name) => [name, ['bench/pool-subject.js', name, slots, ...tasks].map(String)])
  const results = rounds(count, Object.fromEntries(commands), (args) => JSON.parse(node(args)))
  const best = (name) => Math.max(...results.get(name).map(({ rate }) => rate))
  const rows = names.map((name) => row({ name, title, limit: subjects[name] }, best(name), best(peer)))
  console.log(`\n${title}`)
  for (const [index, name] of names.entries()) print(name, rows[index], results.get(name), slots)
  return rows.filter(({ name }) => name.startsWith('flambeau'))
}

function row({ name, title, limit }, value, peer) {
  return { name: `${name}: ${title}`, value, peer, ratio: value / peer, limit }
}

function print(name, { value, ratio, limit }, results, slots) {
  const first = median(results.map(({ firstMs }) => firstMs))
  const bound = limit === undefined ? '' : `  at least ${limit}${ratio >= limit ? '' : '  MISSED'}`
  const columns = [
    name.padEnd(32),
    Math.round(value),
    `${ratio.toPrecision(3)} ×`,
    `first after ${first.toFixed(0)} ms`,
  ]
  console.log(`  ${columns.join('  ')}${bound}`)
  const cpu = leastCpu(results)
  const names = Object.keys(cpu)
  if (names.length === 0) return
  const total = names.reduce((sum, each) => sum + cpu[each], 0)
  const parts = names.map((each) => `${each} ${cpu[each].toFixed(0)}`).join(', ')
  console.log(`    µs of a processor for each task: ${total.toFixed(0)} (${parts}); ${limitOf(cpu, slots)}`)
}

/** What a machine gives on which no process waits for a processor: the rate of the busiest one. */
function limitOf(cpu, slots) {
  // Only the worker processes are several.
  const each = ([name, micros]) => (/^(?:worker|main)\.js$/.test(name) ? micros / (slots || 2) : micros)
  const busiest = Math.max(...Object.entries(cpu).map(each))
  return `the busiest process allows ${Math.round(1e6 / busiest)} a second`
}

/** The round in which the processes took the least time. */
function leastCpu(results) {
  const total = ({ cpu }) => Object.values(cpu).reduce((sum, micros) => sum + micros, 0)
  return results.reduce((least, each) => (total(each) < total(least) ? each : least)).cpu
}
