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
export { Asha } from './sweep/asha.js'
export { NumberDomain } from './sweep/number-domain.js'
export type { SweepInput, SweepOptions } from './sweep/options.js'
export {
  Choice,
  Int,
  LogUniform,
  type NumberParameter,
  Parameter,
  Range,
  Uniform,
} from './sweep/parameters.js'
export { type Random, seededRandom } from './sweep/random.js'
export { type Goal, readRecords, type TrialRecord } from './sweep/records.js'
export type {
  ChoiceParameter,
  NumberSpaceParameter,
  Point,
  SearchSpace,
  SpaceParameter,
} from './sweep/space.js'
export type { StoppingRule, TrialDecision, TrialReport } from './sweep/stopping-rule.js'
export type { SearchHistory, SearchTrial, Strategy } from './sweep/strategy.js'
export type { BestTrial, SweepResult } from './sweep/summary.js'
export { Sweep, type SweepRunOptions } from './sweep/sweep.js'
export { Tpe } from './sweep/tpe.js'
export { TaskError } from './task-error.js'
