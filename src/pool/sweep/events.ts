import { join, resolve } from 'node:path'
import { eventNow, type RunEventBody, type RunListener } from '../../records/events.js'
import { completeNeeds, needsText } from '../../runnable/needs.js'
import { repeatRun } from '../../util/repeat-command.js'
import type { TaskEvent } from '../options.js'
import { ResultFile } from '../result.js'
import { stateOf, type TrialRecord } from './records.js'
import type { SearchPlan, Trial } from './search.js'

/** Emits the events of a sweep. */
export class SweepEvents {
  readonly #attempts = new Map<string, number>()

  constructor(
    readonly plan: SearchPlan,
    readonly listener: RunListener,
  ) {}

  started(modules: readonly string[]): void {
    const { options, objectives, size } = this.plan
    const { output, needs } = options
    this.#emit({
      type: 'sweep.started',
      metrics: objectives,
      trials: size,
      output: resolve(output),
      repeat: repeatRun(join(output, 'failed', '{trial}.yaml'), {
        modules,
        seed: '{seed}',
        needs: needs && needsText(completeNeeds(needs)),
      }),
    })
  }

  /** Emits the event of a task of the pool; `file` gives the text of its runnable file. */
  onTask(event: TaskEvent, { id: trial, options, seed }: Trial, file: () => string): void {
    const attempt = this.#attempts.get(trial) ?? 0
    switch (event.type) {
      case 'started': {
        this.#attempts.set(trial, attempt + 1)
        const host = event.host === undefined ? {} : { host: event.host }
        this.#emit({
          type: 'trial.started',
          trial,
          options,
          file: file(),
          seed,
          attempt: attempt + 1,
          ...host,
        })
        break
      }
      case 'progress':
        this.#emit({ type: 'trial.progress', trial, attempt, value: event.value })
        break
      case 'log':
        this.#emit({ type: 'log', level: event.level, message: event.text, trial })
    }
  }

  /** `isKept`: an earlier sweep has done it. */
  ended(record: TrialRecord, { isKept = false } = {}): void {
    const { trial, options, durationMs, host, attempts, metric, metrics, seed, error } = record
    this.#attempts.delete(trial)
    const state = stateOf(record)
    const result = record.result instanceof ResultFile ? { file: record.result.path } : record.result
    const found = Object.fromEntries(
      Object.entries({ metric, metrics, seed, result, error, isKept: isKept || undefined }).filter(
        ([, value]) => value !== undefined,
      ),
    )
    this.#emit({ type: 'trial.ended', trial, options, state, durationMs, host, attempts, ...found })
  }

  #emit(body: RunEventBody): void {
    this.listener(eventNow(body))
  }
}
