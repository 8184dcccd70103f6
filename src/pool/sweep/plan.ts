import { dump } from '../../document/write/dump.js'
import { ParsingRunnableError } from '../../errors.js'
import { isRunnable } from '../../runnable/runnable.js'
import type { AnyTask } from '../map-options.js'
import { keyOf, type TaskTextOptions, taskText } from '../task-text.js'
import { Parameter } from './parameter.js'
import { draws, grid, gridSize, type Parameters, type Values } from './strategies.js'
import type { SweepOptions } from './sweep-options.js'

/** What one trial of a sweep is made of; nothing is constructed yet. */
export interface Combination {
  readonly id: string
  readonly values: Values
}

/** One trial of a sweep. */
export interface Trial {
  readonly id: string
  /** The same for the same trial in another run, and for no other one. */
  readonly key: string
  /** What was chosen, by path; an object as its YAML. */
  readonly options: Readonly<Record<string, unknown>>
  readonly task: AnyTask
}

/** The trials of a sweep. */
export class Plan {
  readonly parameters: Parameters
  readonly size: number

  constructor(
    readonly options: SweepOptions,
    readonly by: TaskTextOptions = {},
  ) {
    this.parameters = options.each.placeholders(Parameter)
    if (options.strategy === 'grid') refuseEndless(this.parameters)
    this.size = options.strategy === 'grid' ? gridSize(this.parameters) : options.samples
  }

  /** The combinations in order: cheap to skip, however many there are. */
  *combinations(): Generator<Combination> {
    const width = Math.max(2, String(this.size).length)
    let number = 0
    for (const values of this.#values()) yield { id: String(++number).padStart(width, '0'), values }
  }

  /** Constructs the trial of a combination. */
  trial({ id, values }: Combination): Trial {
    const task = this.options.each.build(values)
    const key = keyOf(taskText(task, this.by))
    const options = Object.fromEntries(Object.entries(values).map(([path, value]) => [path, shown(value)]))
    return { id, key, options, task }
  }

  /** The trial with an id, if the sweep has it. */
  find(id: string): Trial | undefined {
    for (const combination of this.combinations()) if (combination.id === id) return this.trial(combination)
    return undefined
  }

  /** Constructs the first trial, so that a mistake in it is found before anything is run. */
  tryFirst(): void {
    const [first] = this.combinations()
    if (!first || !isRunnable(this.trial(first).task))
      throw new ParsingRunnableError(
        `"each" must be a runnable, but ${this.options.each.tag ?? 'what stands there'} is none: name a class that extends Runnable`,
        { code: 'NOT_RUNNABLE' },
      )
  }

  #values(): Iterable<Values> {
    return this.options.strategy === 'grid' ? grid(this.parameters) : draws(this.parameters, this.options)
  }
}

function refuseEndless(parameters: Parameters): void {
  const [endless] = [...parameters].find(([, parameter]) => !parameter.values()) ?? []
  if (endless === undefined) return
  const message = `A grid cannot try every value of "${endless}": write "strategy: random" and "samples: 20"`
  throw new ParsingRunnableError(message, { code: 'ENDLESS_GRID' })
}

function shown(value: unknown): unknown {
  return typeof value === 'object' && value !== null
    ? dump(value)
        .trim()
        .replace(/\s*\n\s*/g, ' ')
    : value
}
