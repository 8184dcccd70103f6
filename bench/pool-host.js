/**
 * Workers of a queue in a process of their own, until its standard input ends: those of flambeau, or one of BullMQ. Arguments: `own`
 * or `bare`, the URL of Redis, the queue, how many jobs at once.
 */
import { once } from 'node:events'

const [kind, redis, queue, slots] = process.argv.slice(2)
const close = await (kind === 'own' ? ownWorkers() : bareWorker())
console.log('ready')
process.stdin.resume()
await once(process.stdin, 'end')
await close()

async function ownWorkers() {
  const { startWorkers } = await import('flambeau/bullmq')
  const imports = [new URL('./pool-tasks.js', import.meta.url)]
  const workers = await startWorkers({ redis, queue, imports, slots: Number(slots) })
  return () => workers.close()
}

async function bareWorker() {
  const { Worker } = await import('bullmq')
  const { Redis } = await import('ioredis')
  const connection = new Redis(redis, { maxRetriesPerRequest: null })
  const worker = new Worker(queue, async ({ data }) => data.id, { connection, concurrency: Number(slots) })
  await worker.waitUntilReady()
  return async () => {
    await worker.close()
    connection.disconnect()
  }
}
