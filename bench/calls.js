/** Loading and dumping, relative to what the `yaml` package itself takes for the same text. */
import { median, node, rounds, table } from './rounds.js'

const loading = ['yaml parseDocument', 'flambeau load', 'js-yaml 5 load', 'js-yaml 4 load']
const keeping = ['yaml stringify', 'flambeau dump, comments kept']
const making = ['yaml stringify of plain data', 'flambeau dump of objects made in code']

export function calls(count, texts) {
  for (const text of texts) {
    compare(count, `Loading ${text}`, loading, text, { 'flambeau load': 1 })
    compare(count, `Dumping ${text}, as it was loaded`, keeping, text, {})
    compare(count, `Dumping ${text}, made in code`, making, text, {})
  }
}

function compare(count, title, subjects, text, limits) {
  const commands = Object.fromEntries(
    subjects.map((subject) => [subject, ['bench/measure.js', subject, text]]),
  )
  const results = [...rounds(count, commands, (args) => JSON.parse(node(args)))].map(([name, times]) => {
    const best = Math.min(...times.map((time) => time.best))
    return [name, { best, median: median(times.map((time) => time.median)), limit: limits[name] }]
  })
  table(title, results)
}
