// A pool that nobody closes does not keep the program running, and nothing of it is left.
import { openPool } from 'flambeau/pool'
import { Square } from './tasks.ts'

const pool = await openPool({ imports: [new URL('./tasks.ts', import.meta.url)], workers: 1 })
for await (const { result } of pool.map([new Square({ n: 2 })]))
  console.log((result as { score: number }).score === 4 ? 'works' : result)
