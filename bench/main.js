/** `npm run bench`: every figure is a ratio to a peer that ran in the same rounds. */
import { mkdirSync } from 'node:fs'
import { cpus } from 'node:os'
import { calls, manyClasses } from './calls.js'
import { composition } from './composition.js'
import { crash } from './crash.js'
import { linear } from './linear.js'
import { memory } from './memory.js'
import { poolMemory, sameSweep } from './pool-memory.js'
import { pools } from './pools.js'
import { processes } from './processes.js'
import { python } from './python.js'
import { size } from './size.js'
import { store } from './store.js'

mkdirSync('build', { recursive: true })
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`)
console.log('Best of the rounds; ratios are to the first line of each table.')
size()
processes(20)
calls(3, ['a job of 30 lines', '2,000 tags', '5,000 keys'])
manyClasses(3)
calls(1, ['100,000 tags'])
await composition(60)
python()
await store(5)
memory()
linear()
pools(3)
await crash()
await sameSweep()
await poolMemory()
