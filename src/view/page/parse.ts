import type { TrialFailure } from '../../records/events.js'
import { numbersOf } from '../../records/numbers.js'
import type { RunDetail } from '../data.js'
import type { CurvePoint, Trial } from './model.js'

/** The objects in the lines of a text. A line that is not whole yet, or damaged, is skipped. */
export function parseLines(text: string): Record<string, unknown>[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return []
    try {
      const value: unknown = JSON.parse(line)
      return isObject(value) ? [value] : []
    } catch {
      return []
    }
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Adds lines to trials: a later line of a trial adds to the earlier ones, and replaces what they say. */
export class TrialReader {
  readonly #lines = new Map<string, Record<string, unknown>>()

  constructor(readonly metric: string | undefined) {}

  add(lines: readonly Record<string, unknown>[]): void {
    for (const line of lines) {
      const id = String(line['trial'] ?? '')
      // A trial that is tried again starts over.
      const before = line['state'] === 'running' ? {} : this.#lines.get(id)
      if (id !== '') this.#lines.set(id, { ...before, ...line })
    }
  }

  /** The trials by their numbers. */
  trials(): Trial[] {
    return [...this.#lines]
      .map(([id, line]) => this.#trial(id, line))
      .sort((a, b) => Number(a.id) - Number(b.id))
  }

  #trial(id: string, line: Record<string, unknown>): Trial {
    const { options, metric, metrics, result, durationMs, host, attempts, seed, error, file } = line
    const values = { ...numbersOf(result), ...numbersOf(metrics) }
    const isMeasured = typeof metric === 'number'
    if (isMeasured && this.metric !== undefined) values[this.metric] = metric
    return {
      id,
      state: stateOf(line),
      options: isObject(options) ? options : {},
      values,
      result,
      ...(isMeasured && { metric }),
      ...(typeof durationMs === 'number' && { durationMs }),
      ...(typeof host === 'string' && { host }),
      ...(typeof attempts === 'number' && { attempts }),
      ...(typeof seed === 'number' && { seed }),
      ...(typeof file === 'string' && { file }),
      ...(isObject(error) && { error: failureOf(error) }),
    }
  }
}

function failureOf({ code, message, output }: Record<string, unknown>): TrialFailure {
  return {
    code: String(code),
    message: String(message),
    ...(typeof output === 'string' && { output }),
  }
}

// The results of a sweep have no state: they were written when a trial had ended.
function stateOf({ state, error, stopped }: Record<string, unknown>): Trial['state'] {
  if (state === 'running' || state === 'done' || state === 'stopped' || state === 'failed') return state
  if (error !== undefined) return 'failed'
  return stopped === true ? 'stopped' : 'done'
}

/** The keys of a progress that count its steps, the first one that is there. */
const stepKeys = ['step', 'epoch', 'iteration']
/** What is not drawn: totals, and what the record adds. */
const otherKeys = new Set([
  ...stepKeys,
  'total',
  'steps',
  'epochs',
  '_time',
  '_attempt',
  '_started',
  '_trial',
])

/** Reads the lines of `metrics.jsonl` into curves: by trial, or under the empty name for a run that is no sweep. */
export class CurveReader {
  readonly curves = new Map<string, CurvePoint[]>()
  readonly #attempts = new Map<string, unknown>()

  add(lines: readonly Record<string, unknown>[]): void {
    for (const line of lines) {
      const id = String(line['_trial'] ?? '')
      // An attempt that is made again starts over, also by a later sweep. A trial that was paused goes on.
      const attempt = `${line['_attempt']} ${line['_started']}`
      const before = this.curves.get(id) ?? []
      const isSame = (this.#attempts.get(id) ?? attempt) === attempt || goesOn(before, line)
      this.#attempts.set(id, attempt)
      const curve = isSame ? before : []
      this.curves.set(id, curve)
      addPoint(curve, line)
    }
  }
}

function goesOn(curve: readonly CurvePoint[], line: Record<string, unknown>): boolean {
  const step = stepOf(line)
  const last = curve.at(-1)
  return step !== undefined && last !== undefined && step > last.step
}

function stepOf(line: Record<string, unknown>): number | undefined {
  return stepKeys.map((key) => line[key]).find((each) => typeof each === 'number') as number | undefined
}

// Several reports of one step belong together. A count that starts again, as in each epoch, goes on.
function addPoint(curve: CurvePoint[], line: Record<string, unknown>): void {
  const step = stepOf(line)
  const values = Object.fromEntries(Object.entries(numbersOf(line)).filter(([name]) => !otherKeys.has(name)))
  if (Object.keys(values).length === 0) return
  const last = curve.at(-1)
  if (last && last.step === step && !Object.keys(values).some((name) => name in last.values))
    curve[curve.length - 1] = { step: last.step, values: { ...last.values, ...values } }
  else {
    const next = last ? last.step + 1 : 0
    curve.push({ step: step === undefined || (last && step <= last.step) ? next : step, values })
  }
}

/** The lines of `trials.log` that a trial has logged. */
export function logOfTrial(text: string, trial: string): string {
  const lines: string[] = []
  let isOwn = false
  for (const line of text.split('\n')) {
    const found = /^(\d+) (\d\d:\d\d:\d\d .*)$/.exec(line)
    // Further lines of a message have no number.
    if (found) isOwn = found[1] === trial
    if (isOwn) lines.push(found ? found[2]! : line)
  }
  return lines.join('\n').trimEnd()
}

/** Trials with a metric, the best one first; among equal ones, the earlier one. */
export function ranked(trials: readonly Trial[], detail: Pick<RunDetail, 'sweep'>): Trial[] {
  const [objective] = detail.sweep?.metrics ?? []
  const sign = objective?.goal === 'min' ? 1 : -1
  return trials
    .filter(({ state, metric }) => state === 'done' && metric !== undefined)
    .sort((a, b) => sign * (a.metric! - b.metric!) || Number(a.id) - Number(b.id))
}
