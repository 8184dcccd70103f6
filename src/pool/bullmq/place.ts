import { randomUUID } from 'node:crypto'
import { connect, type RedisAddress } from './connection.js'
import { prefix } from './naming.js'

const lookMs = 1000
/** A place that nobody has is forgotten. */
const keptSeconds = 3600
/** As long as Redis may be silent. */
const patienceMs = 60_000

/** What there is one of: a machine among those that take tasks from a queue. */
export interface Place extends RedisAddress {
  readonly queue: string
  readonly place: string
}

/**
 * Takes a place from whoever has it. A machine that was cut off may be given workers anew while the old ones still run
 * there: `onLost` tells those that others have their place, or that Redis has been silent for a minute.
 */
export async function takePlace(
  { queue, place, ...address }: Place,
  onLost: (why: string) => void,
): Promise<void> {
  const redis = await connect(address)
  const key = `${prefix}:${queue}:place:${place}`
  const me = randomUUID()
  await redis.set(key, me, 'EX', keptSeconds)
  let heardAt = Date.now()
  setInterval(async () => {
    if (Date.now() - heardAt > patienceMs) onLost('Redis has been silent for a minute')
    const holder = await redis.getex(key, 'EX', keptSeconds).catch(() => me)
    heardAt = Date.now()
    if (holder !== null && holder !== me) onLost('others have their place')
  }, lookMs).unref()
}
