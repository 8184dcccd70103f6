import { Sweep } from '../pool/sweep/sweep.js'
import { SafeExecutionContext } from '../runnable/context.js'
import type { ContextOptions, PreprocessOptions } from '../runnable/context-options.js'
import type { Outcome } from '../runnable/outcome.js'
import { pickRunOptions, type RunOptions } from '../runnable/run-options.js'
import type { Runnable } from '../runnable/runnable.js'

/** Does all that comes before `run()`, logs what would run, of a sweep how many trials, and returns the runnable. */
export function dryRun(
  file: string,
  options: ContextOptions & PreprocessOptions & Partial<RunOptions>,
): Promise<Outcome<Runnable<unknown, any>>> {
  const context = new SafeExecutionContext(file, options)
  return context.run(async ({ logger }) => {
    const { runnable } = await context.preprocess(options)
    const trials = runnable instanceof Sweep ? `, ${counted(runnable.size)}` : ''
    logger.info(`"${file}" is ready to run${trials}`)
    return runnable
  }, pickRunOptions(options))
}

function counted(trials: number): string {
  return trials === 1 ? '1 trial' : `${trials.toLocaleString('en-US')} trials`
}
