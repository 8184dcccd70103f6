import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../logger.js'
import type { Recording } from '../records/recording.js'
import { currentRegistry } from '../registry/default-registry.js'
import type { Class } from '../registry/registration.js'
import { flushSpans, withSpan } from '../tracing/tracing.js'
import { projectRoot } from '../util/paths.js'
import { type ContextOptions, type PreprocessOptions, SafeExecutionContext } from './context.js'
import type { Outcome } from './outcome.js'
import { progressListener } from './progress/progress.js'
import { RunEvents } from './run-events.js'
import { pickRunOptions, type RunOptions, runOptions } from './run-options.js'
import type { Runnable } from './runnable.js'
import type { RunnableSource } from './runnable-file.js'

/** Options of {@link runFile}. */
export interface RunFileOptions extends ContextOptions, PreprocessOptions, Partial<RunOptions> {
  /** Options that `run()` takes besides {@link RunOptions}, such as handles of the host program. */
  runOptions?: object
  /** Parse, check and construct the file and call `parse()`, but not `run()`. */
  dryRun?: boolean
  /**
   * The folder in which the run is recorded, in a folder of its own whose path is `record` in the outcome; it is made when it does
   * not exist. When absent, nothing is written.
   */
  record?: string | undefined
  /** @internal Prepares this process for a runnable of the file; what it returns is released after `run()`. */
  onReady?: (
    runnable: Runnable<unknown, any>,
    options: RunOptions,
  ) => Promise<{ release(): Promise<void> } | undefined>
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
  const given = runOptions(pickRunOptions(options))
  const recording = options.dryRun ? undefined : await recordingFor(file, options, given.logger)
  const listeners = [options.onEvent, options.dryRun ? undefined : progressListener(given.logger)]
  const events = new RunEvents(nameOf(file), {
    listeners,
    recording,
    takesLog: options.onEvent !== undefined,
  })
  const complete = events.runOptions(given)
  const context = new SafeExecutionContext(file, { ...options, recording, onRedactor: events.useRedactor })
  const outcome = await withSpan(
    'flambeau.run',
    { attributes: { 'flambeau.file': events.file } },
    async (span) => {
      const ended = await context.run(async (surroundings) => {
        const { runnable } = await context.preprocess({ ...options, logger: complete.logger })
        span.set({ 'flambeau.run.id': events.start(), 'flambeau.tag': tagOf(runnable) })
        if (options.dryRun) return undefined as T
        const lease = await options.onReady?.(runnable, surroundings)
        try {
          return (await runnable.run({ ...surroundings, ...options.runOptions })) as T
        } finally {
          await lease?.release()
        }
      }, complete)
      span.set({ 'flambeau.exit_code': ended.exitCode })
      if (!ended.ok) span.fail(ended.error, (text) => events.mask(text))
      return ended
    },
  )
  await flushSpans()
  events.end(outcome)
  await recording?.close()
  return recording?.folder === undefined ? outcome : { ...outcome, record: recording.folder }
}

function tagOf(runnable: object): string | undefined {
  return currentRegistry().tagOf(runnable.constructor as Class)
}

function nameOf(file: RunnableSource): string {
  if (file instanceof URL) return file.protocol === 'file:' ? fileURLToPath(file) : file.href
  // A value of another type is refused where the file is read.
  return typeof file === 'string' ? file : (file?.filename ?? '<text>')
}

async function recordingFor(
  file: RunnableSource,
  { recording, record, set = [], seed, secrets, dialect }: RunFileOptions,
  logger: Logger,
): Promise<Recording | undefined> {
  if (recording || record === undefined) return recording
  const { Recording } = await import('../records/recording.js')
  const name = nameOf(file)
  const overrides = Array.isArray(set) ? set : Object.keys(set)
  const call = {
    file: name,
    rerunOf: undefined,
    argv: [],
    folder: process.cwd(),
    set: overrides,
    seed,
    imports: [],
    secrets: typeof secrets === 'string' ? secrets : undefined,
    secretsDialect: dialect,
    envFiles: undefined,
    cluster: undefined,
  }
  const project = projectRoot(typeof file === 'string' || file instanceof URL ? dirname(name) : process.cwd())
  return new Recording({ runs: record, project, call, logger, hasOutput: false })
}
