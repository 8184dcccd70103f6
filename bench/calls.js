/** Loading and dumping, relative to what the `yaml` package itself takes for the same text. */
import { median, node, rounds, table } from './rounds.js'

const loading = [
  'yaml parseDocument',
  'flambeau load',
  'flambeau load, the exact way',
  'js-yaml 5 load',
  'js-yaml 4 load',
]
const keeping = ['yaml stringify', 'flambeau dump, comments kept']
const making = ['yaml stringify of plain data', 'flambeau dump of objects made in code']
const classes = ['flambeau load with 40 classes registered', 'flambeau load with 2,000 classes registered']

/** At most so much of what `yaml` takes, the exact way. */
const exactly = { 'a job of 30 lines': 0.75, '2,000 tags': 0.75, '100,000 tags': 0.6, '5,000 keys': 0.5 }

export function calls(count, texts) {
  for (const text of texts) {
    const limits = { 'flambeau load': 0.08, 'flambeau load, the exact way': exactly[text] }
    compare(count, `Loading ${text}`, loading, text, limits)
    compare(count, `Dumping ${text}, as it was loaded`, keeping, text, { [keeping[1]]: 1 })
    compare(count, `Dumping ${text}, made in code`, making, text, { [making[1]]: 0.25 })
  }
}

export function manyClasses(count) {
  compare(count, 'Loading 2,000 tags with many classes', classes, '2,000 tags', { [classes[1]]: 1.1 })
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
