import type { TaskEvent } from '../map-options.js'
import { MedianStop } from './median-stop.js'
import { metricIn } from './metric.js'
import type { SweepOptions } from './sweep-options.js'

/** What trials tell of their metric while they run; ends those early that should be. */
export class TrialNews {
  readonly #told = new Map<string, number>()
  readonly #stopped = new Map<string, number>()
  readonly #rule: MedianStop | undefined

  constructor(readonly options: Pick<SweepOptions, 'metric' | 'goal' | 'earlyStop'>) {
    if (options.earlyStop) this.#rule = new MedianStop(options.goal)
  }

  hear(event: TaskEvent): void {
    if (event.type === 'started') this.#forget(event.id)
    if (event.type !== 'progress') return
    const value = metricIn(event.value, this.options.metric)
    if (value === undefined) return
    this.#told.set(event.id, value)
    if (!this.#rule?.shouldStop(event.id, value)) return
    this.#stopped.set(event.id, value)
    event.cancel()
  }

  /** What a trial that has settled told last, and its metric when it was ended early. */
  take(id: string): { readonly told: number | undefined; readonly stopped: number | undefined } {
    const news = { told: this.#told.get(id), stopped: this.#stopped.get(id) }
    this.#told.delete(id)
    this.#stopped.delete(id)
    return news
  }

  // Another attempt, or one after a crash, begins at its first step.
  #forget(id: string): void {
    this.#told.delete(id)
    this.#rule?.forget(id)
  }
}
