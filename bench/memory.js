/** The most memory that a process takes to load 100,000 tags. */
import { node, table } from './rounds.js'

const limits = { 'flambeau load': 0.4, 'flambeau load, the exact way': 0.95 }

export function memory() {
  const names = ['yaml parseDocument', ...Object.keys(limits)]
  const results = names.map((name) => {
    const { megabytes } = JSON.parse(node(['bench/peak.js', name, '100,000 tags']))
    return [name, { best: megabytes, median: megabytes, limit: limits[name] }]
  })
  table('Peak memory for 100,000 tags, whole processes', results, 'MB')
}
