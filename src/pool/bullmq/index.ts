export { BullmqEngine, type BullmqOptions, bullmqEngine } from './bullmq-engine.js'
export type { RedisAddress } from './connection.js'
export { startWorkers, Workers, type WorkersOptions } from './workers.js'
