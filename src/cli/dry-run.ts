import { isClusterRunnable } from '../cluster/cluster-runnable.js'
import { type ContextOptions, type PreprocessOptions, SafeExecutionContext } from '../runnable/context.js'
import type { Outcome } from '../runnable/outcome.js'
import { pickRunOptions, type RunOptions } from '../runnable/run-options.js'
import type { Runnable } from '../runnable/runnable.js'

/**
 * Does everything up to `run()`, then calls `plan` and returns its result. Logs what would run, for a sweep how many trials, when nothing
 * of that has failed.
 */
export function dryRun<Plan>(
  file: string,
  options: ContextOptions & PreprocessOptions & Partial<RunOptions>,
  plan: (runnable: Runnable<unknown, any>) => Plan | Promise<Plan>,
): Promise<Outcome<Plan>> {
  const context = new SafeExecutionContext(file, options)
  return context.run(async ({ logger }) => {
    const { runnable } = await context.preprocess(options)
    const planned = await plan(runnable)
    logger.info(`"${file}" is ready to run${await trialsOf(runnable)}`)
    return planned
  }, pickRunOptions(options))
}

// What is no cluster runnable is no sweep: the pool is not imported for it.
async function trialsOf(runnable: object): Promise<string> {
  if (!isClusterRunnable(runnable)) return ''
  const { Sweep } = await import('../pool/index.js')
  return runnable instanceof Sweep ? `, ${counted(runnable.size)}` : ''
}

function counted(trials: number): string {
  return trials === 1 ? '1 trial' : `${trials.toLocaleString('en-US')} trials`
}
