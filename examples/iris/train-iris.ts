import { mkdir, writeFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { dump, ParsingRunnableError, Runnable, type RunOptions, registrable } from 'flambeau'
import type { TaskOptions } from 'flambeau/pool'
import { z } from 'zod'
import { IrisDataset, irisShape } from './dataset.js'
import { Optimizer } from './optimizers.js'
import { SoftmaxRegression } from './softmax-regression.js'

const TrainIrisOptions = z.object({
  dataset: z.instanceof(IrisDataset),
  model: z.instanceof(SoftmaxRegression),
  optimizer: z.instanceof(Optimizer),
  epochs: z.int().positive(),
  logEvery: z.int().positive().default(50),
  evaluate: z.instanceof(IrisDataset),
  output: z.instanceof(URL).optional(),
})

/** What a training comes to. */
export interface TrainIrisResult {
  /** The share of held-out flowers whose species the model finds. */
  accuracy: number
  /** How surprised the model is by them: 0 when it is certain of each, and right. */
  loss: number
  /** How many flowers were held out. */
  flowers: number
  /** The file that the trained model was written to, when the training names one. */
  saved?: string
}

/** Trains a classifier on Fisher's irises, tells how good it is, and writes it to a file. */
@registrable('!TrainIris')
export class TrainIris extends Runnable.with(TrainIrisOptions) {
  override parse(): void {
    const { model, output } = this.options
    if (model.shape !== irisShape) {
      throw new ParsingRunnableError(`"model" has ${model.shape} weights, irises need ${irisShape}`)
    }
    if (output && output.protocol !== 'file:') {
      throw new ParsingRunnableError(`"output" must be a file, not "${output.href}"`)
    }
  }

  override async run({ signal, logger, progress }: RunOptions & TaskOptions): Promise<TrainIrisResult> {
    const { evaluate, output, epochs, logEvery } = this.options
    let { model } = this.options
    for (let epoch = 1; epoch <= epochs; epoch++) {
      model = this.#improve(model)
      if (epoch % logEvery === 0) {
        logger.info(`epoch ${epoch}: loss ${this.#loss(model)}`)
        progress?.({ epoch, loss: model.loss(evaluate.heldOut) })
      }
      await setImmediate() // lets Ctrl-C in
      signal.throwIfAborted()
    }
    const { heldOut } = evaluate
    const result = { accuracy: model.accuracy(heldOut), loss: model.loss(heldOut), flowers: heldOut.length }
    return output ? { ...result, saved: await save(model, output) } : result
  }

  #improve(model: SoftmaxRegression): SoftmaxRegression {
    const { dataset, optimizer } = this.options
    return model.moved(optimizer.step(model.gradients(dataset.training)))
  }

  #loss(model: SoftmaxRegression): string {
    return model.loss(this.options.dataset.training).toFixed(4)
  }
}

async function save(model: SoftmaxRegression, output: URL): Promise<string> {
  await mkdir(new URL('.', output), { recursive: true })
  await writeFile(output, dump(model))
  return fileURLToPath(output)
}
