import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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
  await writeFile(`${file}.new`, `${JSON.stringify(description, null, 2)}\n`)
  await rename(`${file}.new`, file)
}

/** What is said of the sweep in a folder, if there is one. */
export function readDescription(folder: string): Promise<Description | undefined> {
  return readFile(join(folder, name), 'utf8')
    .then(JSON.parse)
    .catch(() => undefined)
}
