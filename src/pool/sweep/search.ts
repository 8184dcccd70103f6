import { disposeAll } from '../../document/load.js'
import { dump } from '../../document/write/dump.js'
import { ParsingRunnableError } from '../../errors.js'
import { isRunnable } from '../../runnable/runnable.js'
import type { AnyTask } from '../options.js'
import { type TaskTextOptions, taskKey, taskText } from '../task-file.js'
import type { SweepOptions } from './options.js'
import { Parameter } from './parameters.js'

/** The values of one trial, of which nothing is constructed yet. */
export interface Combination {
  readonly id: string
  readonly values: Values
}

/** One trial of a sweep. */
export interface Trial {
  readonly id: string
  /** The same for the same trial in another run, and for no other trial. */
  readonly key: string
  /** The chosen values by path; an object as its YAML. */
  readonly options: Readonly<Record<string, unknown>>
  readonly task: AnyTask
}

/** The trials of a sweep. */
export class SearchPlan {
  readonly parameters: Parameters
  readonly size: number

  constructor(
    readonly options: SweepOptions,
    /** What the keys of trials depend on. */
    readonly textOptions: TaskTextOptions,
    /** What the runnable files of trials depend on: they are not in the folder of the sweep's own file. */
    readonly fileOptions: TaskTextOptions,
  ) {
    this.parameters = options.each.placeholders(Parameter)
    if (options.strategy === 'grid') rejectEndless(this.parameters)
    this.size = options.strategy === 'grid' ? gridSize(this.parameters) : options.samples
  }

  /** The combinations in order. Skipping one costs little, as it constructs nothing. */
  *combinations(): Generator<Combination> {
    const width = Math.max(2, String(this.size).length)
    let number = 0
    for (const values of this.#values()) yield { id: String(++number).padStart(width, '0'), values }
  }

  /**
   * Constructs the trial of a combination. What is open in it is closed at once: its worker constructs it again, and this process needs
   * only its text.
   */
  async trial({ id, values }: Combination): Promise<Trial> {
    const task = await this.options.each.buildAsync(values)
    const key = taskKey(taskText(task, this.textOptions))
    await disposeAll(task).catch((error: Error) => process.emitWarning(error.message))
    const options = Object.fromEntries(
      Object.entries(values).map(([path, value]) => [path, optionValue(value)]),
    )
    return { id, key, options, task }
  }

  /** The trial with an id, if the sweep has it. */
  async find(id: string): Promise<Trial | undefined> {
    for (const combination of this.combinations()) if (combination.id === id) return this.trial(combination)
    return undefined
  }

  /** Constructs the first trial, so that a mistake is found before any trial runs. */
  async constructFirst(): Promise<void> {
    const [first] = this.combinations()
    const { tag } = this.options.each
    if (!first || !isRunnable((await this.trial(first)).task))
      throw new ParsingRunnableError(
        `"each" must be a runnable, but ${tag === undefined ? 'it has no tag' : `"${tag}" is not one`}: name a class that extends Runnable`,
        { code: 'NOT_RUNNABLE' },
      )
  }

  #values(): Iterable<Values> {
    return this.options.strategy === 'grid'
      ? grid(this.parameters)
      : randomDraws(this.parameters, this.options)
  }
}

function rejectEndless(parameters: Parameters): void {
  const [endless] = [...parameters].find(([, parameter]) => !parameter.values()) ?? []
  if (endless === undefined) return
  const message = `A grid cannot try every value of "${endless}": write "strategy: random" and "samples: 20"`
  throw new ParsingRunnableError(message, { code: 'ENDLESS_GRID' })
}

function optionValue(value: unknown): unknown {
  return typeof value === 'object' && value !== null
    ? dump(value)
        .trim()
        .replace(/\s*\n\s*/g, ' ')
    : value
}

/** The parameters of a template by their paths. */
type Parameters = ReadonlyMap<string, Parameter>

/** One value for each parameter, by path. */
type Values = Readonly<Record<string, unknown>>

/** The number of combinations of a grid; no parameter may be without end. */
function gridSize(parameters: Parameters): number {
  return [...parameters.values()].reduce((size, parameter) => size * parameter.values()!.length, 1)
}

/** Every combination; the last parameter changes fastest. */
function* grid(parameters: Parameters): Generator<Values> {
  const [first, ...rest] = parameters
  if (!first) return yield {}
  const [path, parameter] = first
  for (const value of parameter.values()!)
    for (const others of grid(new Map(rest))) yield { [path]: value, ...others }
}

/** Random combinations; the same seed draws the same ones. */
function* randomDraws(parameters: Parameters, { samples, seed }: { samples: number; seed: number }) {
  const random = seededRandom(seed)
  for (let drawn = 0; drawn < samples; drawn++) yield draw(parameters, random)
}

function draw(parameters: Parameters, random: () => number): Values {
  return Object.fromEntries([...parameters].map(([path, parameter]) => [path, parameter.sample(random)]))
}

/** Returns a generator of numbers in [0, 1), the same ones for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
