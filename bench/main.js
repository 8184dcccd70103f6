/**
 * `npm run bench`: one table, of ratios to peers that ran in the same rounds, with the limits that the project sets. `--quick` takes
 * two minutes; `--only Start` measures one section; `--write` puts the table into docs/performance.md.
 */
import { mkdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { composition } from './composition.js'
import { crash } from './crash.js'
import { doubled } from './linear.js'
import { writePage } from './page.js'
import { poolMemory } from './pool-memory.js'
import { pools } from './pools.js'
import { python } from './python.js'
import { size } from './size.js'
import { start } from './start.js'
import { store } from './store.js'
import { Table } from './table.js'
import { dumping, linearly, loading, memory } from './values.js'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})

/** What a section takes minutes for is left out of a quick run. */
const sections = {
  Start: [start],
  Loading: [loading],
  Dumping: [dumping],
  Memory: [memory],
  Growth: [linearly, doubled],
  'Files made of files': [composition],
  Pools: values.quick ? [pools] : [pools, crash, poolMemory],
  Extensions: values.quick ? [] : [store],
  'Python flambé': [python],
  'Installed size': [size],
}

mkdirSync('build', { recursive: true })
const table = new Table()
for (const [title, measures] of Object.entries(sections)) {
  if (measures.length === 0 || (values.only !== undefined && values.only !== title)) continue
  table.begin(title)
  for (const measure of measures) for await (const row of measure(values.quick)) table.add(row)
}
const holds = table.conclude()
if (values.write) writePage(table)
process.exitCode = holds ? 0 : 1
