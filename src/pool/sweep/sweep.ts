import { randomUUID } from 'node:crypto'
import { ClusterRunnable, type PreflightOptions, type WorkerNeeds } from '../../cluster/cluster-runnable.js'
import { expectFit } from '../../cluster/run/run-needs.js'
import { FlambeauError, isFlambeauError } from '../../errors.js'
import type { Logger } from '../../logger.js'
import { ownRegistrable as registrable } from '../../registry/own-tags.js'
import { type TemplateRules, templateRules } from '../../registry/placeholder.js'
import { constructsOwnClass, whyInjected } from '../../registry/registration.js'
import { completeNeeds, noNeeds, writtenNeeds } from '../../runnable/needs.js'
import { type NeedsSite, needsError, needsOfOption } from '../../runnable/needs-problems.js'
import { progressListener } from '../../runnable/progress/progress.js'
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
import { SweepEvents } from './events.js'
import { sweepSchema } from './options.js'
import { numbersIn } from './parameters.js'
import { readDescription, readRecords } from './records.js'
import { matchEarlier } from './resume.js'
import { SearchPlan } from './search.js'
import { type SweepResult, summarize } from './summary.js'
import { trialNeeds } from './trial-needs.js'
import { SweepRun } from './trials.js'

/** Options that {@link Sweep} takes in addition to those of every `run()`. */
export interface SweepRunOptions {
  /** Modules that register the classes of the trials; on the command line those of `--import`. */
  readonly imports?: readonly (string | URL)[]
  /** Where trials run; when absent, on the worker hosts of the cluster, or in child processes when there are none. */
  readonly engine?: PoolOptions['engine']
  /** Skips the trials that have results already, like the option with this name. */
  readonly resume?: boolean
}

/**
 * Runs a runnable many times, with every combination of the values of its placeholders, with random ones, or with those that a
 * strategy finds promising, and ranks the results.
 *
 * ```yaml
 * !Sweep
 * each: !Train { rate: !choice [0.01, 0.1], layers: !range { from: 1, to: 3, step: 1 } }
 * metric: accuracy
 * ```
 */
@registrable('!Sweep', {
  templates: ['each'],
  description: 'Runs a runnable with many options, and ranks the results',
})
export class Sweep extends ClusterRunnable.with(sweepSchema) {
  /** @internal */
  static readonly [templateRules]: TemplateRules = {
    root: (made) =>
      constructsOwnClass(made) && !isRunnable(made.Class.prototype)
        ? [
            'NOT_RUNNABLE',
            `"each" must be a runnable, but "${made.tag}" is not one: name a class that extends Runnable`,
          ]
        : undefined,
    placeholder: ({ Class, tag }, { options, node }) => {
      const { strategy = 'grid' } = options
      const isEndless = strategy === 'grid' && numbersIn(Class, node)?.count === Number.POSITIVE_INFINITY
      return isEndless
        ? [
            'ENDLESS_GRID',
            `A grid cannot try every value of "${tag}": write "strategy: random" and "samples: 20"`,
          ]
        : undefined
    },
  }

  /** @internal */
  static override [whyInjected](): string {
    return 'is the cluster, which a run on a cluster sets: write environment variables as "variables", or as "env" of the cluster file'
  }

  /**
   * Checks that the packages of the queue are installed, from which worker hosts take their tasks, and that the needs of a
   * trial fit on one of the hosts.
   *
   * @throws `FlambeauError` when they are not installed, or do not fit.
   */
  override async preflight({ factories, resources }: PreflightOptions): Promise<void> {
    if (factories > 0) await requirePackages()
    const { site } = this.workerNeeds
    if (site.needs !== noNeeds) await expectFit(site, resources)
  }

  /** @internal */
  override get workerNeeds(): WorkerNeeds {
    const { workers } = this.options
    return { site: this.#needs, workers }
  }

  /** What a trial needs, and where that is written. */
  get #needs(): NeedsSite {
    const { each, needs } = this.options
    if (needs) return needsOfOption(this, 'needs', completeNeeds(needs))
    return trialNeeds(each)
  }

  /** There is nothing to prepare. */
  override setup(): void {}

  /**
   * Checks that trials can be constructed.
   *
   * @throws `ParsingRunnableError` when they cannot be constructed.
   */
  override async parse(): Promise<void> {
    await this.#plan().constructFirst()
  }

  /** Runs the trials that have no result yet, and ranks all of them. */
  override async run(options: RunOptions & SweepRunOptions): Promise<SweepResult> {
    if (this.env && !options.engine) await keepOutput(this.options.output)
    const lock = await OutputLock.acquire(this.options.output)
    try {
      return await this.#runTrials(options)
    } finally {
      await lock.release()
    }
  }

  /** The number of trials, at most. */
  get size(): number {
    return this.#plan().size
  }

  async #runTrials(options: RunOptions & SweepRunOptions): Promise<SweepResult> {
    const plan = this.#plan(options.seed, await this.#fileExtensions())
    const earlier = await this.#earlier(plan, options)
    const id = await this.#id(options)
    const pool = await this.#openPool(options, id)
    try {
      const { logger, signal, imports = [], onEvent } = options
      const redact = redactorFor(this.config)
      const events = new SweepEvents(plan, onEvent ?? progressListener(logger))
      const context = { plan, pool, id, logger, signal, earlier, imports, redact, events }
      const records = await new SweepRun(context).run()
      return await summarize(plan, records, logger)
    } catch (thrown) {
      if (options.signal.aborted) await this.#explainResume(plan, options.logger)
      throw thrown
    } finally {
      await pool.close()
    }
  }

  #plan(seed = this.options.seed, fileExtensions = this.extensions): SearchPlan {
    const textOptions = { extensions: this.extensions, registry: undefined }
    return new SearchPlan({ ...this.options, seed }, textOptions, {
      ...textOptions,
      extensions: fileExtensions,
    })
  }

  async #earlier(
    plan: SearchPlan,
    { force, resume = this.options.resume, signal }: RunOptions & SweepRunOptions,
  ) {
    if (force) return { kept: [], failed: [], others: [], force }
    const { output } = this.options
    const found = await readRecords(output)
    if (found.length > 0 && !resume) throw resultsExist({ output, count: found.length, kind: 'trial' })
    return matchEarlier(plan, found, signal)
  }

  // A sweep that is resumed finds the folders of its trials, one that starts over does not.
  async #id({ force }: RunOptions): Promise<string> {
    const found = force ? undefined : await readDescription(this.options.output)
    return found?.id ?? randomUUID()
  }

  #openPool(
    { imports = [], engine, logger, signal }: RunOptions & SweepRunOptions,
    folderId: string,
  ): Promise<Pool> {
    const { workers, variables, output } = this.options
    const poolOptions: PoolOptions = {
      imports,
      env: this.env,
      signal,
      folder: output,
      folderId,
      logs: true,
      logger: debugLogger(logger),
      ownLogger: logger,
      extensions: this.#extensionFolders(),
      secrets: this.config,
    }
    if (engine !== undefined) poolOptions.engine = engine
    if (workers !== undefined) poolOptions.workers = workers
    if (variables !== undefined) poolOptions.variables = variables
    const site = this.#needs
    if (site.needs !== noNeeds) poolOptions.needs = writtenNeeds(site.needs)
    return openPool(poolOptions).catch((error) => throwAt(site, error))
  }

  // Their folders, since workers do not know the file to which declared paths are relative. Only those that this
  // process has imported: with `importExtensions: false`, workers must not import the others either.
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
    logger.warn(`${length} of ${plan.size} trials are done: continue with "--resume"`)
  }
}

// That they do not fit on this machine is a problem of the file.
function throwAt(site: NeedsSite, error: unknown): never {
  if (!isFlambeauError(error) || error.code !== 'NEEDS_DO_NOT_FIT') throw error
  const { text, options } = needsError(site, error.message)
  throw new FlambeauError(text, { ...options, exitCode: error.exitCode, cause: error })
}

// Log lines of trials would hide the progress of the sweep.
function debugLogger(logger: Logger): Logger {
  const debug = (...message: unknown[]): void => logger.debug(...message)
  return { debug, info: debug, warn: debug, error: debug }
}
