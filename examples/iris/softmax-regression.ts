import { readFileSync } from 'node:fs'
import { factory, load, MappedRegistrable, registrable } from 'flambeau'
import { z } from 'zod'
import type { Flower } from './dataset.js'
import { add, dot, type Matrix, mean, transpose, type Vector } from './matrix.js'

const zeros = { weights: Array.from(Array(3), () => [0, 0, 0, 0]), biases: [0, 0, 0] }

const SoftmaxOptions = z
  .object({
    /** A row for each class, in it a weight for each feature. */
    weights: z.array(z.array(z.number())).min(2).default(zeros.weights),
    biases: z.array(z.number()).default(zeros.biases),
  })
  .refine(({ weights }) => weights.every((row) => row.length === weights[0]!.length), {
    path: ['weights'],
    error: 'Expected rows of one length',
  })
  .refine(({ weights, biases }) => biases.length === weights.length, {
    path: ['biases'],
    error: 'Expected one bias for each row of weights',
  })

const SavedModel = z.object({ path: z.string() })

/** Multinomial logistic regression. A model never changes: training makes one model after the other. */
@registrable('!SoftmaxRegression')
export class SoftmaxRegression extends MappedRegistrable.with(SoftmaxOptions) {
  /** `!SoftmaxRegression.fromFile { path }`: the model that a training wrote. */
  @factory({ schema: SavedModel })
  static fromFile({ path }: z.output<typeof SavedModel>): SoftmaxRegression {
    return load(readFileSync(path, 'utf8'), { filename: path, expect: SoftmaxRegression })
  }

  /** The classes that it tells apart, by the features: `3 × 4`. */
  get shape(): string {
    const { weights } = this.options
    return `${weights.length} × ${weights[0]!.length}`
  }

  /** How likely each class is. */
  probabilities(features: Vector): Vector {
    const { weights, biases } = this.options
    return softmax(weights.map((row, label) => dot(row, features) + biases[label]!))
  }

  /** The likeliest class. */
  predict(features: Vector): number {
    const probabilities = this.probabilities(features)
    return probabilities.indexOf(Math.max(...probabilities))
  }

  /** The share of `flowers` whose class it finds. */
  accuracy(flowers: readonly Flower[]): number {
    return mean(flowers.map(({ features, label }) => Number(this.predict(features) === label)))
  }

  /** The cross entropy: 0 when it is certain of every flower, and right. */
  loss(flowers: readonly Flower[]): number {
    return mean(flowers.map(({ features, label }) => -Math.log(this.probabilities(features)[label]!)))
  }

  /** How the loss grows with each weight; the last column is that of the biases. */
  gradients(flowers: readonly Flower[]): Matrix {
    const errors = flowers.map(({ features, label }) =>
      this.probabilities(features).map((probability, at) => probability - Number(at === label)),
    )
    const inputs = transpose(flowers.map(({ features }) => [...features, 1]))
    return transpose(errors).map((error) => inputs.map((input) => dot(error, input) / flowers.length))
  }

  /** The model after `step`, a matrix of the form of the gradients. */
  moved(step: Matrix): SoftmaxRegression {
    const { weights, biases } = this.options
    const current = weights.map((row, label) => [...row, biases[label]!])
    const rows = add(current, step)
    return new SoftmaxRegression({
      weights: rows.map((row) => row.slice(0, -1)),
      biases: rows.map((row) => row.at(-1)!),
    })
  }
}

function softmax(scores: Vector): Vector {
  const highest = Math.max(...scores)
  const exponentials = scores.map((score) => Math.exp(score - highest))
  const total = exponentials.reduce((sum, value) => sum + value)
  return exponentials.map((value) => value / total)
}
