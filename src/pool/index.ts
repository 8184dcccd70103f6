export type {
  Ended,
  EndReason,
  Engine,
  LogLevel,
  PackedResult,
  TaskMessage,
  TaskNews,
  Watch,
} from './engine.js'
export type {
  AnyTask,
  MapOptions,
  ResultOf,
  TaskDone,
  TaskEvent,
  TaskFailed,
  TaskOutcome,
} from './map-options.js'
export type { Tasks } from './mapping.js'
export { openPool } from './open-pool.js'
export type { PackedError } from './packed-error.js'
export { Pool } from './pool.js'
export type { PoolOptions } from './pool-options.js'
export { writeReport } from './report/write-report.js'
export { ResultFile } from './result-file.js'
export { Choice } from './sweep/choice.js'
export type { SweepResult } from './sweep/conclusion.js'
export { LogUniform } from './sweep/log-uniform.js'
export { Parameter } from './sweep/parameter.js'
export { Range } from './sweep/range.js'
export type { Goal } from './sweep/ranking.js'
export { readRecords, type TrialRecord } from './sweep/records.js'
export { Sweep, type SweepRunOptions } from './sweep/sweep.js'
export type { SweepInput, SweepOptions } from './sweep/sweep-options.js'
export { TaskError } from './task-error.js'
export type { TaskOptions } from './task-options.js'
