import { toStandardJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { MappedRegistrable } from '../../document/construct/registrable-base.js'
import type { Objective } from '../../records/events.js'
import { ownRegistrable as registrable } from '../../registry/own-tags.js'
import type { StandardSchema } from '../../registry/standard-schema.js'
import { frontRanks } from './pareto.js'
import { ParzenEstimator } from './parzen.js'
import type { Random } from './random.js'
import type { Point, SearchSpace, SpaceParameter } from './space.js'
import type { SearchHistory, SearchTrial, Strategy } from './strategy.js'

const example = '!Tpe { startup: 10, candidates: 24 }'

const atLeastOne = () => {
  const message = `must be a whole number from 1: write "${example}"`
  return v.optional(v.pipe(v.number(message), v.safeInteger(message), v.minValue(1, message)))
}

const tpeSchema = toStandardJsonSchema(
  v.strictObject({ startup: atLeastOne(), candidates: atLeastOne() }, `write "${example}"`),
) as StandardSchema<{ startup?: number; candidates?: number }>

/**
 * `!Tpe { startup: 10, candidates: 24 }`: the tree-structured Parzen estimator (Bergstra and others, "Algorithms for Hyper-Parameter
 * Optimization", 2011), in its multivariate form. The first `startup` trials are random. From then on it models the density of the
 * best trials and that of all others, draws `candidates` from the first, and suggests the one where the first is greatest beside
 * the second. Trials that run count among the others, so that several workers do not try the same.
 *
 * ```yaml
 * !Sweep
 * each: !Train { rate: !logUniform { low: 0.001, high: 1 } }
 * metric: accuracy
 * strategy: !Tpe { startup: 20 }
 * samples: 50
 * ```
 */
@registrable('!Tpe', { description: 'A strategy of searches: the tree-structured Parzen estimator' })
export class Tpe extends MappedRegistrable.with(tpeSchema) implements Strategy {
  suggest(space: SearchSpace, history: SearchHistory): Point | undefined {
    const { startup = 10, candidates = 24 } = this.options
    const { trials, random, objectives } = history
    if (history.number <= startup || trials.length === 0) return space.sample(random)
    const { best, others } = split(trials, objectives)
    return suggestFor(space.roots, { best, others, candidates, random }, {})
  }
}

interface Split {
  readonly best: readonly SearchTrial[]
  readonly others: readonly SearchTrial[]
}

/** Separates the best trials from all others; those that run or have failed are among the others. */
function split(trials: readonly SearchTrial[], objectives: readonly Objective[]): Split {
  const ended = trials.filter(({ state }) => state !== 'running')
  const count = Math.min(Math.ceil(bestPart * ended.length), mostBest)
  const ranked = rankTrials(ended, objectives).slice(0, count)
  const best = new Set(ranked)
  return { best: ranked, others: latest(trials.filter((trial) => !best.has(trial))) }
}

/** The part of the trials that are the best ones, and the most of them. */
const bestPart = 0.1
const mostBest = 25

/** More trials than these change a density little, and cost as much. */
const mostOthers = 2000

function latest(trials: readonly SearchTrial[]): readonly SearchTrial[] {
  return trials.length > mostOthers ? trials.slice(-mostOthers) : trials
}

/** The trials with values, the best one first: the finished ones, then those that were stopped, the later the better. */
function rankTrials(trials: readonly SearchTrial[], objectives: readonly Objective[]): SearchTrial[] {
  const measured = trials.filter(({ values }) => values !== undefined)
  const ranks =
    objectives.length > 1
      ? frontRanks(
          measured.map(({ values }) => values!),
          objectives,
        )
      : undefined
  const sign = objectives[0]!.goal === 'max' ? -1 : 1
  const keys = measured.map((trial, index) => ({
    trial,
    steps: trial.state === 'done' ? Number.NEGATIVE_INFINITY : -(trial.step ?? 0),
    loss: ranks ? ranks[index]! : sign * trial.values![0]!,
  }))
  return keys
    .sort((a, b) => (a.steps === b.steps ? a.loss - b.loss : a.steps - b.steps))
    .map(({ trial }) => trial)
}

interface Densities extends Split {
  readonly candidates: number
  readonly random: Random
}

/** Chooses values for parameters that occur together, and then for those of the branches that were chosen. */
function suggestFor(parameters: readonly SpaceParameter[], search: Densities, chosen: Point): Point {
  if (parameters.length === 0) return chosen
  const isHere = ({ point }: SearchTrial): boolean => point[parameters[0]!.name] !== undefined
  const values = likeliest(parameters, {
    ...search,
    best: search.best.filter(isHere),
    others: search.others.filter(isHere),
  })
  let point: Point = { ...chosen, ...values }
  for (const parameter of parameters)
    if (parameter.kind === 'choice')
      point = suggestFor(parameter.branches[values[parameter.name]!]!, search, point)
  return point
}

function likeliest(
  parameters: readonly SpaceParameter[],
  { best, others, candidates, random }: Densities,
): Point {
  const width = {
    bandwidth: Math.max(bandwidth, wideBandwidth / Math.sqrt(Math.max(best.length, 1))),
    minBandwidth,
  }
  const good = new ParzenEstimator(
    parameters,
    best.map(({ point }) => point),
    width,
  )
  const rest = new ParzenEstimator(
    parameters,
    others.map(({ point }) => point),
    width,
  )
  let found = good.sample(random)
  let most = Number.NEGATIVE_INFINITY
  for (let count = 0; count < candidates; count++) {
    const point = good.sample(random)
    const score = good.logDensity(point) - rest.logDensity(point)
    if (score > most) [found, most] = [point, score]
  }
  return found
}

// Narrower than Scott's rule, and wider as long as few trials are known: `bench/search.js` compares both with Optuna.
const bandwidth = 0.07
const wideBandwidth = 0.15
const minBandwidth = 0.01
