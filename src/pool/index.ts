export { writeReport } from '../view/report.js'
export type {
  Ended,
  EndReason,
  Engine,
  LogLevel,
  PackedError,
  PackedResult,
  TaskMessage,
  TaskNews,
  Watch,
} from './engine.js'
export type { Tasks } from './map.js'
export { openPool } from './open-pool.js'
export type {
  AnyTask,
  MapOptions,
  PoolOptions,
  ResultOf,
  TaskDone,
  TaskEvent,
  TaskFailed,
  TaskOptions,
  TaskOutcome,
} from './options.js'
export { Pool } from './pool.js'
export { ResultFile } from './result.js'
export type { SweepInput, SweepOptions } from './sweep/options.js'
export { Choice, LogUniform, Parameter, Range } from './sweep/parameters.js'
export { type Goal, readRecords, type TrialRecord } from './sweep/records.js'
export type { SweepResult } from './sweep/summary.js'
export { Sweep, type SweepRunOptions } from './sweep/sweep.js'
export { TaskError } from './task-error.js'
