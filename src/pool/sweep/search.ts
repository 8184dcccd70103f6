import { disposeAll } from '../../document/load.js'
import { ParsingRunnableError, UnsuccessfulRunnableError } from '../../errors.js'
import type { Objective } from '../../records/events.js'
import { isRunnable } from '../../runnable/runnable.js'
import type { AnyTask } from '../options.js'
import { type TaskTextOptions, taskKey, taskText } from '../task-file.js'
import { taskSeeds } from '../task-seed.js'
import { hasEnd, objectivesOf, type SweepOptions } from './options.js'
import { seededRandom } from './random.js'
import type { Point } from './space.js'
import type { SearchTrial, Strategy } from './strategy.js'
import { TemplateSpace, type TrialOptions } from './template-space.js'
import { Tpe } from './tpe.js'

/** The values of one trial, of which nothing is constructed yet. */
export interface Combination {
  readonly id: string
  /** Counts from 1. */
  readonly number: number
  readonly point: Point
}

/** One trial of a sweep. */
export interface Trial extends Combination {
  /** The same for the same trial in another run, and for no other trial. */
  readonly key: string
  /** The seed of its run options. */
  readonly seed: number
  readonly options: TrialOptions
  readonly task: AnyTask
}

/** How many trials a search draws when nobody says so. */
const defaultSamples = 20

/** How often a strategy is asked again for a point that was not tried before. */
const mostAsked = 10

/** The trials of a sweep. */
export class SearchPlan {
  readonly templateSpace: TemplateSpace
  readonly objectives: readonly Objective[]
  /** Decides by the results of earlier trials; `undefined` when the trials are known from the start. */
  readonly strategy: Strategy | undefined
  /** The most trials. */
  readonly size: number
  readonly #seedOf: (id: string) => number

  constructor(
    readonly options: SweepOptions,
    /** What the keys of trials depend on. */
    readonly textOptions: TaskTextOptions,
    /** What the runnable files of trials depend on: they are not in the folder of the sweep's own file. */
    readonly fileOptions: TaskTextOptions,
  ) {
    const { each, together, strategy, samples, maxTrials = Number.POSITIVE_INFINITY } = options
    this.objectives = objectivesOf(options)
    this.#seedOf = taskSeeds(options.seed)
    this.templateSpace = new TemplateSpace(each, together)
    const { size } = this.templateSpace.space
    if (strategy === 'grid') rejectEndless(this.templateSpace)
    const drawn = strategy === 'grid' ? size : (samples ?? (hasEnd(strategy) ? defaultSamples : maxTrials))
    this.size = Math.min(drawn, size, maxTrials)
    this.strategy = strategy === 'tpe' ? new Tpe({}) : typeof strategy === 'object' ? strategy : undefined
  }

  /** The trials that are known from the start, in order. Skipping one costs little, as it constructs nothing. */
  *combinations(): Generator<Combination> {
    if (this.strategy) return
    let number = 0
    for (const point of this.options.strategy === 'grid' ? this.#grid() : this.#draws()) {
      if (number === this.size) return
      yield this.#combination(++number, point)
    }
  }

  /** The trial with a point that an earlier sweep has chosen. */
  combinationOf(number: number, options: TrialOptions): Combination | undefined {
    const point = this.templateSpace.pointOf(options)
    return point && this.#combination(number, point)
  }

  /**
   * Asks the strategy for a trial; `undefined` when the search is over.
   *
   * @throws {@link UnsuccessfulRunnableError} when its point is not in the space.
   */
  async suggest(number: number, trials: readonly SearchTrial[]): Promise<Combination | undefined> {
    const { space } = this.templateSpace
    const { objectives } = this
    const tried = new Set(trials.map(({ point }) => space.keyOf(point)))
    if (tried.size >= space.size) return undefined
    for (let asked = 0; asked < mostAsked; asked++) {
      const random = seededRandom(this.options.seed, number * mostAsked + asked)
      const point = await this.strategy!.suggest(space, { trials, objectives, number, random })
      if (!point) return undefined
      if (!space.has(point)) throw outsideSpace(point)
      if (!tried.has(space.keyOf(point))) return this.#combination(number, point)
    }
    return this.#combination(
      number,
      this.#untried(tried, seededRandom(this.options.seed, number * mostAsked)),
    )
  }

  /**
   * Constructs the trial of a combination. What is open in it is closed at once: its worker constructs it again, and this process needs
   * only its text.
   */
  async trial(combination: Combination): Promise<Trial> {
    const { point } = combination
    const task = await this.templateSpace.build(point)
    const key = taskKey(taskText(task, this.textOptions))
    await disposeAll(task).catch((error: Error) => process.emitWarning(error.message))
    const seed = this.#seedOf(combination.id)
    return { ...combination, key, seed, options: this.templateSpace.describe(point), task }
  }

  /** Constructs the first trial, so that a mistake is found before any trial runs. */
  async constructFirst(): Promise<void> {
    const first = this.strategy ? await this.suggest(1, []) : this.combinations().next().value
    const { tag } = this.options.each
    if (!first || !isRunnable((await this.trial(first)).task))
      throw new ParsingRunnableError(
        `"each" must be a runnable, but ${tag === undefined ? 'it has no tag' : `"${tag}" is not one`}: name a class that extends Runnable`,
        { code: 'NOT_RUNNABLE' },
      )
  }

  #combination(number: number, point: Point): Combination {
    const width = Math.max(2, String(this.size).length)
    return { id: String(number).padStart(width, '0'), number, point }
  }

  *#grid(): Generator<Point> {
    const { space } = this.templateSpace
    for (let index = 0; index < space.size; index++) yield space.pointAt(index)
  }

  // The same options twice are one trial.
  *#draws(): Generator<Point> {
    const { space } = this.templateSpace
    const drawn = new Set<string>()
    for (let number = 1; drawn.size < space.size; number++) {
      const point = this.#untried(drawn, seededRandom(this.options.seed, number))
      drawn.add(space.keyOf(point))
      yield point
    }
  }

  #untried(tried: ReadonlySet<string>, random: () => number): Point {
    const { space } = this.templateSpace
    for (let drawn = 0; drawn < 100 || space.size === Number.POSITIVE_INFINITY; drawn++) {
      const point = space.sample(random)
      if (!tried.has(space.keyOf(point))) return point
    }
    // Few are left: the next one in the order of a grid.
    const start = Math.floor(random() * space.size)
    for (let index = 0; ; index++) {
      const point = space.pointAt((start + index) % space.size)
      if (!tried.has(space.keyOf(point))) return point
    }
  }
}

function rejectEndless({ space }: TemplateSpace): void {
  const endless = space.parameters.find(
    (parameter) => parameter.kind === 'number' && parameter.domain.count === Number.POSITIVE_INFINITY,
  )
  if (endless === undefined) return
  const message = `A grid cannot try every value of "${endless.name}": write "strategy: random" and "samples: 20"`
  throw new ParsingRunnableError(message, { code: 'ENDLESS_GRID' })
}

function outsideSpace(point: Point): UnsuccessfulRunnableError {
  const message = `The strategy suggests ${JSON.stringify(point)}, which is not in the space: it must have a value for each parameter of the branches that it takes`
  return new UnsuccessfulRunnableError(message, { code: 'BAD_SUGGESTION' })
}
