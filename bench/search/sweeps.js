/** Searches with `!Sweep`, as a program runs them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Runnable, registrable, runFile } from 'flambeau'
import { readRecords, Tpe } from 'flambeau/pool'
import { z } from 'zod'
import { functions } from './functions.js'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

class Loss extends Runnable.with(z.looseObject({})) {
  run() {
    const { of, options } = this.options
    return { loss: functions[of].loss(namedChoices(options)) }
  }
}
registrable('!Loss')(Loss)

/** One of the choices of a parameter, with the parameters of its own. */
class Option {
  constructor(options) {
    this.options = options
  }
}
registrable('!Option')(Option)

function namedChoices(options) {
  const values = Object.entries(options).flatMap(([name, value]) =>
    value instanceof Option
      ? [[name, value.options.name], ...Object.entries(value.options.parameters)]
      : [[name, value]],
  )
  return Object.fromEntries(values)
}

/** Replays a recorded learning curve; goes on where it was paused. */
class Replay extends Runnable.with(z.strictObject({ curve: z.int() })) {
  static curves = []
  static steps = 0
  static reached = new Map()

  async run({ progress, signal, resume, taskId }) {
    const curve = Replay.curves[this.options.curve]
    let epoch = resume ? Replay.reached.get(taskId) : 0
    while (epoch < curve.length && !signal.aborted) {
      epoch++
      Replay.steps++
      Replay.reached.set(taskId, epoch)
      progress({ epoch, loss: curve[epoch - 1] })
      await setImmediate()
    }
    return { loss: curve.at(-1) }
  }
}
registrable('!Replay')(Replay)

/** Draws at random until there are many trials, and then takes the time. */
class Timed extends Tpe {
  static times = []
  static after = 0

  suggest(space, history) {
    if (history.number <= Timed.after) return space.sample(history.random)
    const from = performance.now()
    const point = super.suggest(space, history)
    Timed.times.push(performance.now() - from)
    return point
  }
}
registrable('!Timed')(Timed)

/** The milliseconds of some suggestions after many trials. */
export async function suggestionTimes({ name, count, rounds }) {
  Object.assign(Timed, { times: [], after: count })
  await search({ name, strategy: '!Timed {}', seed: 0, trials: count + rounds })
  return Timed.times
}

function spaceText(space) {
  return `{ ${Object.entries(space)
    .map(([name, parameter]) => `${name}: ${parameterText(parameter)}`)
    .join(', ')} }`
}

function parameterText({ low, high, log = false, int = false, choices }) {
  if (choices) return `!choice [${choices.map(choiceText).join(', ')}]`
  if (int) return `!int { low: ${low}, high: ${high}, log: ${log} }`
  return `${log ? '!logUniform' : '!uniform'} { low: ${low}, high: ${high} }`
}

function choiceText(choice) {
  if (typeof choice === 'string') return choice
  return `!Option { name: ${choice.name}, parameters: ${spaceText(choice.parameters)} }`
}

async function recordsOf(text) {
  const output = mkdtempSync(join(tmpdir(), 'flambeau-search-'))
  try {
    const content = `!Sweep\noutput: ${output}\nmetric: loss\ngoal: min\n${text}`
    const outcome = await runFile(
      { content },
      { logger: quiet, force: true, runOptions: { engine: 'inline' } },
    )
    if (!outcome.ok) throw outcome.error
    return await readRecords(output)
  } finally {
    rmSync(output, { recursive: true })
  }
}

/** The losses of a search, in the order of its trials. */
export async function search({ name, strategy, seed, trials }) {
  const each = `each: !Loss { of: ${name}, options: ${spaceText(functions[name].space)} }`
  const records = await recordsOf(`${each}\nstrategy: ${strategy}\nseed: ${seed}\nsamples: ${trials}`)
  return records.map(({ metric }) => metric)
}

/** Runs one trial for each curve, and ends most of them early. */
export async function halve(curves, rule) {
  Object.assign(Replay, { curves, steps: 0 })
  Replay.reached.clear()
  const each = `each: !Replay { curve: !int { low: 0, high: ${curves.length - 1} } }`
  const records = await recordsOf(`${each}\nearlyStop: ${rule}`)
  const done = records.filter(({ stopped }) => !stopped).map(({ metric }) => metric)
  return { best: Math.min(...done), steps: Replay.steps }
}
