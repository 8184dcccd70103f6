import { ClusterRunnable, type PreflightOptions } from '../../cluster/cluster-runnable.js'
import { registrable } from '../../registry/decorators.js'
import { type TemplateRules, templateRules } from '../../registry/placeholder.js'
import type { Logger } from '../../runnable/logger.js'
import type { RunOptions } from '../../runnable/run-options.js'
import { isRunnable } from '../../runnable/runnable.js'
import { redactorFor } from '../../runnable/secrets/mask.js'
import { requirePackages } from '../engines/bullmq/packages.js'
import { keepOutput } from '../engines/cluster/remote-paths.js'
import { openPool } from '../open-pool.js'
import type { PoolOptions } from '../options.js'
import { OutputLock } from '../output-lock.js'
import type { Pool } from '../pool.js'
import { resultsExist } from '../results-store.js'
import { sweepSchema } from './options.js'
import { LogUniform } from './parameters.js'
import { readRecords } from './records.js'
import { matchEarlier } from './resume.js'
import { SearchPlan } from './search.js'
import { type SweepResult, summarize } from './summary.js'
import { SweepRun } from './trials.js'

/** What `run()` of a {@link Sweep} takes besides the usual. */
export interface SweepRunOptions {
  /** Modules that register the classes of the trials; the command line gives those of `--import`. */
  readonly imports?: readonly (string | URL)[]
  /** Where trials run; when absent on the factories of the cluster, or in child processes where there are none. */
  readonly engine?: PoolOptions['engine']
  /** Leaves out the trials that have results already, as the option of this name. */
  readonly resume?: boolean
}

/**
 * Runs a runnable many times, with every combination of what `!choice`, `!range` and `!logUniform` stand for in it, or
 * with combinations drawn at random, and ranks what comes of it.
 *
 * ```yaml
 * !Sweep
 * each: !Train { rate: !choice [0.01, 0.1], layers: !range { from: 1, to: 3, step: 1 } }
 * metric: accuracy
 * ```
 */
export class Sweep extends ClusterRunnable.with(sweepSchema) {
  /** @internal */
  static readonly [templateRules]: TemplateRules = {
    root: ({ Class, definition, factory, tag }) =>
      factory === undefined && !definition.fromYaml && !isRunnable(Class.prototype)
        ? [
            'NOT_RUNNABLE',
            `"each" must be a runnable, but "${tag}" is none: name a class that extends Runnable`,
          ]
        : undefined,
    placeholder: ({ Class, tag }, { options, isNested }) => {
      if (isNested)
        return [
          'NESTED_PLACEHOLDER',
          `"${tag}" stands in a value of another choice, where nothing replaces it: list each combination there`,
        ]
      const isEndless = Class === LogUniform && options['strategy'] !== 'random'
      return isEndless
        ? [
            'ENDLESS_GRID',
            `A grid cannot try every value of "${tag}": write "strategy: random" and "samples: 20"`,
          ]
        : undefined
    },
  }

  /**
   * Factories take their tasks from a queue.
   *
   * @throws `FlambeauError` when the packages that it needs are not installed.
   */
  override async preflight({ factories }: PreflightOptions): Promise<void> {
    if (factories > 0) await requirePackages()
  }

  /** There is nothing to prepare. */
  override setup(): void {}

  /**
   * Finds out whether the trials can be made.
   *
   * @throws `ParsingRunnableError` when they cannot.
   */
  override parse(): void {
    this.#plan().tryFirst()
  }

  /** Runs the trials that are not done yet, and ranks all of them. */
  override async run(options: RunOptions & SweepRunOptions): Promise<SweepResult> {
    if (this.env && !options.engine) await keepOutput(this.options.output)
    const lock = await OutputLock.acquire(this.options.output)
    try {
      return await this.#runTrials(options)
    } finally {
      await lock.release()
    }
  }

  /** How many trials it has. */
  get size(): number {
    return this.#plan().size
  }

  async #runTrials(options: RunOptions & SweepRunOptions): Promise<SweepResult> {
    const plan = this.#plan(await this.#fileExtensions())
    const earlier = await this.#earlier(plan, options)
    const pool = await this.#openPool(options)
    try {
      const { logger, signal, imports = [] } = options
      const redact = redactorFor(this.config)
      const records = await new SweepRun({ plan, pool, logger, signal, earlier, imports, redact }).run()
      return await summarize(plan, records, logger)
    } catch (thrown) {
      if (options.signal.aborted) await this.#explainResume(plan, options.logger)
      throw thrown
    } finally {
      await pool.close()
    }
  }

  #plan(fileExtensions = this.extensions): SearchPlan {
    const textOptions = { extensions: this.extensions, registry: undefined }
    return new SearchPlan(this.options, textOptions, { ...textOptions, extensions: fileExtensions })
  }

  async #earlier(
    plan: SearchPlan,
    { force, resume = this.options.resume, signal }: RunOptions & SweepRunOptions,
  ) {
    if (force) return { kept: [], others: [], force }
    const { output } = this.options
    const found = await readRecords(output)
    if (found.length > 0 && !resume) throw resultsExist({ output, count: found.length, kind: 'trial' })
    return matchEarlier(plan, found, signal)
  }

  #openPool({ imports = [], engine, logger, signal }: RunOptions & SweepRunOptions): Promise<Pool> {
    const { workers, output } = this.options
    return openPool({
      imports,
      env: this.env,
      ...(engine && { engine }),
      signal,
      folder: output,
      logger: debugLogger(logger),
      extensions: this.#extensionFolders(),
      secrets: this.config,
      ...(workers === undefined ? {} : { workers }),
    })
  }

  // By their folders, since workers do not know the file to which declared paths are relative; and only those that this
  // process imported: with `importExtensions: false`, workers must not import the others either.
  #extensionFolders(): Record<string, string> {
    return Object.fromEntries(this.importedExtensions.map(({ name, folder }) => [name, folder]))
  }

  // Local ones by their folders, as declared paths are relative to the file of the sweep; others as declared, since they are
  // found from any machine.
  async #fileExtensions(): Promise<Readonly<Record<string, string>>> {
    if (this.importedExtensions.length === 0) return this.extensions
    const { isLocal, parseSource } = await import('../../extensions/index.js')
    const folders = this.#extensionFolders()
    const sources = Object.entries(this.extensions).map(([name, source]) => {
      const folder = isLocal(parseSource(source, '.')) ? folders[name] : undefined
      return [name, folder ?? source]
    })
    return Object.fromEntries(sources)
  }

  // The caller throws why the sweep ended, whatever happens here.
  async #explainResume(plan: SearchPlan, logger: Logger): Promise<void> {
    const records = await readRecords(this.options.output).catch(() => undefined)
    if (!records) return
    const { length } = records.filter(({ error }) => !error)
    logger.warn(`${length} of ${plan.size} trials are done: go on with "--resume"`)
  }
}

registrable('!Sweep', {
  templates: ['each'],
  description: 'Runs a runnable with many options, and ranks the results',
})(Sweep)

// What trials say goes by too fast to be read beside the progress of the sweep.
function debugLogger(logger: Logger): Logger {
  const debug = (...message: unknown[]): void => logger.debug(...message)
  return { debug, info: debug, warn: debug, error: debug }
}
