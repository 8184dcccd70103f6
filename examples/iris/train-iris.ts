import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { dump, load, ParsingRunnableError, Runnable, type RunOptions, registrable } from 'flambeau'
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

  override async run(options: RunOptions & TaskOptions): Promise<TrainIrisResult> {
    const { signal, logger, progress, folder, resume } = options
    const { evaluate, output, epochs, logEvery } = this.options
    const checkpoint = new Checkpoint(folder)
    const before = resume ? await checkpoint.read() : undefined
    let { model } = before ?? this.options
    for (let epoch = (before?.epoch ?? 0) + 1; epoch <= epochs; epoch++) {
      model = this.#improve(model)
      if (epoch % logEvery === 0) {
        logger.info(`epoch ${epoch}: loss ${this.#loss(model)}`)
        await checkpoint.write({ epoch, model })
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

interface Trained {
  epoch: number
  model: SoftmaxRegression
}

/** What a training in a sweep leaves in its own folder, so that it can go on from there. */
class Checkpoint {
  readonly #file: string | undefined

  constructor(folder: string | undefined) {
    if (folder !== undefined) this.#file = join(folder, 'checkpoint.yaml')
  }

  async read(): Promise<Trained | undefined> {
    if (this.#file === undefined || !existsSync(this.#file)) return undefined
    return load(await readFile(this.#file, 'utf8')) as Trained
  }

  async write(trained: Trained): Promise<void> {
    if (this.#file === undefined) return
    // Renamed when it is whole: the training may be ended at any time.
    await writeFile(`${this.#file}.draft`, dump(trained))
    await rename(`${this.#file}.draft`, this.#file)
  }
}

async function save(model: SoftmaxRegression, output: URL): Promise<string> {
  await mkdir(new URL('.', output), { recursive: true })
  await writeFile(output, dump(model))
  return fileURLToPath(output)
}
