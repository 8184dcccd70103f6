export { BullmqEngine, type BullmqOptions, bullmqEngine } from './engine.js'
export type { RedisAddress } from './redis.js'
export { startWorkers, Workers, type WorkersOptions } from './workers.js'
