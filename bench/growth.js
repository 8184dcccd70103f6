/** What twice as much of something costs, loaded and dumped, relative to once: 2 is linear. */
import { dumpAll, load, loadAll, Registry } from 'flambeau'
import { growing } from './texts.js'

class Train {
  constructor(options = {}) {
    this.options = options
  }
}

const registry = new Registry()
registry.add(Train, '!Train')

const work = {
  'the quick way': (text) => () => loadAll(text, { registry }),
  'the exact way': (text) => () =>
    loadAll(text.startsWith('---') ? text.replace('---', '%YAML 1.2\n---') : `%YAML 1.2\n---\n${text}`, {
      registry,
    }),
  dumped: (text) => {
    const values = loadAll(text, { registry })
    return () => dumpAll(values, { registry })
  },
}

const [kind, name, count] = process.argv.slice(2)
const best = (text) => {
  const run = work[kind](text)
  let least = Infinity
  for (let round = 0; round < 4; round++) {
    const start = performance.now()
    run()
    least = Math.min(least, performance.now() - start)
  }
  return least
}
// A first call, so that neither size pays for compiling.
load('a: 1')
best(growing[name](1_000))
const once = best(growing[name](Number(count)))
console.log(JSON.stringify({ once, ratio: best(growing[name](2 * Number(count))) / once }))
