// A program that maps tasks over a queue, for tests that kill it: node queue-user.js SETTINGS.
import { bullmqEngine } from 'flambeau/bullmq'
import { openPool } from 'flambeau/pool'
import { Note } from './pool-tasks.js'

const { redis, queue, file, count, ms } = JSON.parse(process.argv[2]!)
const pool = await openPool({ engine: await bullmqEngine({ redis, queue }) })
const notes = Array.from({ length: count }, () => new Note({ file, ms }))
for await (const { id } of pool.map(notes, { taskId: (_, index) => `note${index}` })) console.log(id)
await pool.close()
