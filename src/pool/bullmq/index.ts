export { BullmqEngine, type BullmqOptions, bullmqEngine } from './bullmq-engine.js'
export { startWorkers, Workers, type WorkersOptions } from './workers.js'
