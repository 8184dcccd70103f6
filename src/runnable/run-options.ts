import { type Logger, StderrLogger } from '../logger.js'
import { eventNow, type RunListener } from '../records/events.js'
import { jsonCopy } from '../util/json.js'

/** The options of every `run()`. */
export interface RunOptions {
  /** Run again, even where results exist. */
  readonly force: boolean
  /** Continue where an earlier run stopped: `flambeau run --resume`. */
  readonly resume?: boolean
  /**
   * A whole number from 0 to 2^31 - 1, for what the run draws at random. Each task of a pool and each trial of a sweep has its own, the
   * same in each attempt; absent in another run without `flambeau run --seed`.
   */
  readonly seed?: number
  /** Log more. */
  readonly verbose: boolean
  /** Show stacks, for developers. */
  readonly debug: boolean
  /** Aborted when the run should stop: by Ctrl-C, a time limit or the host program. */
  readonly signal: AbortSignal
  /** The logger for progress. */
  readonly logger: Logger
  /**
   * Reports progress: any value that JSON can hold, such as `{ step: 3, loss: 0.2 }`. It is shown on a terminal, kept in the record
   * of the run, and an event.
   */
  readonly progress: (value: unknown) => void
  /** Takes what happens in the run. {@link progress} calls it, and sweeps do. */
  readonly onEvent?: RunListener | undefined
}

/** The run options that are plain data, so that they can be sent to another host. */
export type RunFlags = Partial<Pick<RunOptions, 'force' | 'resume' | 'seed' | 'verbose' | 'debug'>>

/** @internal The run options among other options. */
export function pickRunOptions(options: Partial<RunOptions>): Partial<RunOptions> {
  const { signal, logger, progress, onEvent } = options
  return defined({ ...pickRunFlags(options), signal, logger, progress, onEvent })
}

/** @internal The flags among other options. */
export function pickRunFlags({ force, resume, seed, verbose, debug }: RunFlags): RunFlags {
  return defined({ force, resume, seed, verbose, debug })
}

/**
 * Completes run options: a flag that is not given is off, the signal is never aborted, and the logger writes to standard
 * error.
 *
 * ```ts
 * await new Train({ data: 'iris.csv' }).run(runOptions())
 * ```
 */
export function runOptions<Given extends Partial<RunOptions>>(
  given: Given = {} as Given,
): RunOptions & Given {
  const defaults: RunOptions = {
    force: false,
    verbose: false,
    debug: false,
    // Made only where none is given: a pool calls this for each of many short tasks.
    signal: given.signal ?? new AbortController().signal,
    logger: given.logger ?? new StderrLogger(given.verbose || given.debug ? 'debug' : 'info'),
    progress: progressTo(given.onEvent),
  }
  return { ...defaults, ...defined(given) } as RunOptions & Given
}

function progressTo(onEvent: RunListener | undefined): (value: unknown) => void {
  if (!onEvent) return () => {}
  return (value) => onEvent(eventNow({ type: 'progress', value: jsonCopy(value) }))
}

// An option that is `undefined` must not replace a default.
function defined<T extends object>(options: T): Partial<T> {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as Partial<T>
}
