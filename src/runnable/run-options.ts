import { type Logger, StderrLogger } from './logger.js'

/** What every `run()` is given. */
export interface RunOptions {
  /** Do it again, even where results are there already. */
  readonly force: boolean
  /** Go on where an earlier run ended: `flambeau run --resume`. */
  readonly resume?: boolean
  /** Say more. */
  readonly verbose: boolean
  /** Help a developer: stacks, no shortcuts. */
  readonly debug: boolean
  /** Aborted when the run should end: Ctrl-C, a time limit, the host program. */
  readonly signal: AbortSignal
  /** Where progress goes. */
  readonly logger: Logger
}

/** Those run options that are plain data: they travel to another host. */
export type RunFlags = Partial<Pick<RunOptions, 'force' | 'resume' | 'verbose' | 'debug'>>

/** @internal The run options among other options. */
export function pickRunOptions({ signal, logger, ...others }: Partial<RunOptions>): Partial<RunOptions> {
  const given = Object.entries({ ...pickRunFlags(others), signal, logger })
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

/** @internal The flags among other options. */
export function pickRunFlags({ force, resume, verbose, debug }: RunFlags): RunFlags {
  const given = Object.entries({ force, resume, verbose, debug })
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

/**
 * Complete run options: what is not given is off, never aborted, and logged to standard error.
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
    signal: new AbortController().signal,
    logger: new StderrLogger(given.verbose || given.debug || false),
  }
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(chosen) } as RunOptions & Given
}
