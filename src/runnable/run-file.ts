import { type ContextOptions, type PreprocessOptions, SafeExecutionContext } from './context.js'
import type { Outcome } from './outcome.js'
import { pickRunOptions, type RunOptions } from './run-options.js'
import type { RunnableSource } from './runnable-file.js'

/** Options of {@link runFile}. */
export interface RunFileOptions extends ContextOptions, PreprocessOptions, Partial<RunOptions> {
  /** Options that `run()` takes besides {@link RunOptions}, such as handles of the host program. */
  runOptions?: object
  /** Parse, check and construct the file and call `parse()`, but not `run()`. */
  dryRun?: boolean
}

/**
 * Runs a runnable file.
 *
 * ```ts
 * const outcome = await runFile('train.yaml', { secrets: 'secrets.ini', signal })
 * if (!outcome.ok) process.exitCode = outcome.exitCode
 * ```
 *
 * Never rejects: an error is logged, and is in the outcome. `file` may be `{ content }` with a text.
 */
export async function runFile<T = unknown>(
  file: RunnableSource,
  options: RunFileOptions = {},
): Promise<Outcome<T>> {
  const context = new SafeExecutionContext(file, options)
  return context.run(async (complete) => {
    const { runnable } = await context.preprocess(options)
    if (options.dryRun) return undefined as T
    return (await runnable.run({ ...complete, ...options.runOptions })) as T
  }, pickRunOptions(options))
}
