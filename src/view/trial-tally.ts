import type { Objective } from '../records/events.js'
import { fromJson } from '../util/json.js'
import { isMapping } from '../util/plain-object.js'
import { type FileOfRun, readPart } from './text-part.js'

/** How many trials of a sweep have ended, and the best metric among them. */
export interface TrialCounts {
  readonly done: number
  readonly failed: number
  readonly best?: number | undefined
}

interface TrialEnd {
  readonly state: unknown
  readonly metric: unknown
}

/** Counts the trials in the `trials.jsonl` of a record while it grows: each line is read once. */
export class TrialTally {
  readonly #ends = new Map<string, TrialEnd>()
  #offset = 0
  #rest = ''
  #reading: Promise<void> = Promise.resolve()

  constructor(readonly file: FileOfRun) {}

  async counts(goal: Objective['goal'] | undefined): Promise<TrialCounts> {
    // One at a time: two requests would read the same part.
    const reading = this.#reading.catch(() => {}).then(() => this.#readOn())
    this.#reading = reading
    await reading
    const ends = [...this.#ends.values()]
    const done = ends.filter(({ state }) => state === 'done')
    const failed = ends.filter(({ state }) => state === 'failed').length
    const metrics = done.map(({ metric }) => metric).filter((metric) => typeof metric === 'number')
    const better = goal === 'min' ? Math.min : Math.max
    // Without spreading them: there may be more than a call takes.
    const best = metrics.length === 0 ? undefined : metrics.reduce((a, b) => better(a, b))
    return { done: done.length, failed, best }
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const { text, next } = await readPart(this.file, this.#offset)
      if (text === '') return
      this.#offset = next
      const lines = (this.#rest + text).split('\n')
      this.#rest = lines.pop()!
      for (const line of lines) this.#add(line)
    }
  }

  #add(line: string): void {
    const { trial, state, metric } = parseLine(line)
    if (typeof trial === 'string') this.#ends.set(trial, { state, metric })
  }
}

/** The object in a line of JSON; an empty one when the line is damaged. */
export function parseLine(line: string): Record<string, unknown> {
  try {
    const value: unknown = fromJson(line)
    return isMapping(value) ? value : {}
  } catch {
    return {}
  }
}
