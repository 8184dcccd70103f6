import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../../util/atomic-write.js'
import { editedResults, misfit } from '../stored-shape.js'
import type { Plan } from './plan.js'
import type { Goal } from './ranking.js'

/** What the results of a sweep do not say by themselves: `sweep.json`. */
export interface Description {
  readonly metric: string
  readonly goal: Goal
  /** How many trials it has in all. */
  readonly trials: number
}

const name = 'sweep.json'

export async function writeDescription({ options, size }: Plan): Promise<void> {
  const { metric, goal, output } = options
  const description: Description = { metric, goal, trials: size }
  const file = join(output, name)
  await writeAtomically(file, `${JSON.stringify(description, null, 2)}\n`, { mode: 0o666 })
}

/**
 * What is said of the sweep in a folder, if there is one.
 *
 * @throws {@link ResourceError} when something else has changed it.
 */
export async function readDescription(folder: string): Promise<Description | undefined> {
  const file = join(folder, name)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const description = parsed(text) as Description
  const shape = { metric: 'string', goal: 'string', trials: 'number' } as const
  const why =
    misfit(description, shape) ?? (isGoal(description.goal) ? undefined : '"goal" must be max or min')
  if (why !== undefined) throw editedResults(`"${file}"`, why)
  return description
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isGoal(goal: string): goal is Goal {
  return goal === 'max' || goal === 'min'
}
