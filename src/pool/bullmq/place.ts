import { randomUUID } from 'node:crypto'
import { connect } from './connection.js'
import { prefix } from './naming.js'

const lookMs = 1000
/** As long as Redis may be silent. */
const patienceMs = 60_000

/** What there is one of: a machine among those that take tasks from a queue. */
export interface Place {
  readonly redis: string
  readonly queue: string
  readonly place: string
}

/**
 * Takes a place from whoever has it. A machine that was cut off may be given workers anew while the old ones still run
 * there: `onLost` tells those that others have their place, or that Redis has been silent for a minute.
 */
export async function takePlace({ redis: url, queue, place }: Place, onLost: () => void): Promise<void> {
  const redis = await connect(url)
  const key = `${prefix}:${queue}:place:${place}`
  const me = randomUUID()
  await redis.set(key, me)
  let heardAt = Date.now()
  setInterval(async () => {
    if (Date.now() - heardAt > patienceMs) onLost()
    const holder = await redis.get(key).catch(() => me)
    heardAt = Date.now()
    if (holder !== null && holder !== me) onLost()
  }, lookMs).unref()
}
