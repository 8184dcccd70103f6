import assert from 'node:assert/strict'
import { dump, load, readSecrets, runFile } from 'flambeau'
import { openPool } from 'flambeau/pool'
import { decorators, Square } from './tasks.ts'

assert.equal(dump(load('!Square\nn: 3\n')), '!Square\nn: 3\n')
const outcome = await runFile({ content: '!Square\nn: 3\n' })
assert.deepEqual(outcome.ok && outcome.value, { score: 9 })

const imports = [new URL('./tasks.ts', import.meta.url)]
const secrets = await readSecrets('secrets.ini')
const pool = await openPool({ imports, secrets, workers: 2, crashRetries: 0 })
const tasks = [1, 2, 13, -1].map((n) => new Square({ n }))
const results: unknown[] = []
for await (const task of pool.map(tasks, { onError: 'collect', taskId: ({ options }) => `n${options.n}` }))
  results.push(task.ok ? (task.result as { score: number }).score : task.error.message)
await pool.close()
const [first, second, failed, crashed] = results.toSorted()
assert.deepEqual([first, second], [1, 4])
assert.match(String(crashed), /Task "n13" killed its worker \(exit code 7\)[\s\S]*\n {2}\| of 13/)
assert.match(String(failed), /Task "n-1" failed: is negative[\s\S]*\n {2}\| key \[secret\]\n {2}\| of -1/)
console.log(`works with ${decorators} decorators`)
