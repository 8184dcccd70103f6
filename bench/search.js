/**
 * `npm run bench:search -- --seeds 30`: searches beside real Optuna, on the same functions with the same budgets. It needs Debian's
 * `python3-optuna`, and half an hour for 30 seeds.
 */
import { parseArgs } from 'node:util'
import { seededRandom } from 'flambeau/pool'
import { functions, irisCurve } from './search/functions.js'
import { hasOptuna, Optuna } from './search/optuna.js'
import { holm, mannWhitney, meanRanks, median } from './search/statistics.js'
import { halve, search, suggestionTimes } from './search/sweeps.js'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '30' }, sampler: { type: 'string', default: 'multivariate' } },
})
const seeds = Array.from({ length: Number(values.seeds) }, (_, seed) => seed)
const budgets = [30, 100, 300]
const [trials] = budgets.toReversed()

if (!hasOptuna()) {
  console.error('This needs Optuna: "apt-get install python3-optuna"')
  process.exit(1)
}
const optuna = new Optuna()
await compareSearches()
await compareHalving()
await optuna.close()
await timeSuggestion(10_000)

/** The best loss of each search within each budget, over all seeds. */
async function compareSearches() {
  console.log(`The best loss after so many trials, median of ${seeds.length} seeds. Less is better.`)
  console.log(
    `p: that ours is worse than Optuna's (Mann-Whitney, one-sided, Holm over all rows). Optuna: ${values.sampler}.`,
  )
  const rows = []
  for (const [name, { space, loss }] of Object.entries(functions)) {
    const losses = { tpe: [], optuna: [], random: [] }
    for (const seed of seeds) {
      losses.tpe.push(await search({ name, strategy: 'tpe', seed, trials }))
      losses.random.push(await search({ name, strategy: 'random', seed, trials }))
      losses.optuna.push(await optuna.search({ sampler: values.sampler, seed, trials, space }, loss))
    }
    for (const budget of budgets) {
      const best = Object.values(losses).map((all) => all.map((each) => Math.min(...each.slice(0, budget))))
      rows.push({ name, budget, best })
    }
  }
  const corrected = holm(rows.map(({ best: [tpe, other] }) => mannWhitney(tpe, other)))
  table([
    ['function', 'trials', 'flambeau', 'Optuna', 'random', 'p'],
    ...rows.map(({ name, budget, best }, row) => [
      name,
      String(budget),
      ...best.map((all) => median(all).toPrecision(4)),
      corrected[row].toFixed(3),
    ]),
  ])
  const ranks = rows.map(({ best }) => meanRanks(best))
  const [tpe, other, random] = [0, 1, 2].map(
    (list) => ranks.reduce((sum, rank) => sum + rank[list], 0) / ranks.length,
  )
  console.log(
    `Mean rank over all rows: flambeau ${tpe.toFixed(2)}, Optuna ${other.toFixed(2)}, random ${random.toFixed(2)}`,
  )
  const worse = corrected.filter((p) => p < 0.05).length
  console.log(`Significantly worse than Optuna (p < 0.05): ${worse} of ${rows.length} rows\n`)
}

/** Successive halving on recorded learning curves of 60 random trainings. */
async function compareHalving() {
  const results = { ours: [], optuna: [] }
  for (const seed of seeds) {
    const curves = curvesOf(seed)
    const final = Math.min(...curves.map((curve) => curve.at(-1)))
    const ours = await halve(curves, '!Asha { step: epoch, min: 1, max: 81, reduction: 3 }')
    const theirs = await optuna.halve({ curves, min: 1, reduction: 3 })
    results.ours.push({ ...ours, final })
    results.optuna.push({ ...theirs, final })
  }
  console.log(
    `Successive halving on the learning curves of 60 trainings of 81 epochs, mean of ${seeds.length} seeds`,
  )
  table([
    ['', 'steps', 'best loss', 'best of all'],
    ...Object.entries(results).map(([name, all]) => [
      name === 'ours' ? 'flambeau !Asha' : 'Optuna',
      mean(all.map(({ steps }) => steps)).toFixed(0),
      mean(all.map(({ best }) => best)).toFixed(4),
      mean(all.map(({ final }) => final)).toFixed(4),
    ]),
  ])
  const [ours, theirs] = [results.ours, results.optuna].map((all) => all.map(({ best }) => best))
  console.log(`p that ours is worse: ${mannWhitney(ours, theirs).toFixed(3)}\n`)
}

function curvesOf(seed) {
  const random = seededRandom(seed)
  return Array.from({ length: 60 }, () =>
    irisCurve({
      rate: 10 ** (random() * 4 - 3.5),
      momentum: random() * 0.95,
      decay: 10 ** (random() * 4 - 5),
      epochs: 81,
    }),
  )
}

/** How long one suggestion takes when so many trials have ended. */
async function timeSuggestion(count) {
  const times = await suggestionTimes({ name: 'mixed', count, rounds: 20 })
  console.log(
    `A suggestion after ${count} trials: ${median(times).toFixed(1)} ms (median of ${times.length})`,
  )
}

function mean(all) {
  return all.reduce((a, b) => a + b) / all.length
}

function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] + 2))
        .join('')
        .trimEnd(),
    )
  console.log()
}
