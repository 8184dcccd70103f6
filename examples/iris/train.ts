import { runFile } from 'flambeau'
import type { TrainIrisResult } from './train-iris.js'
import './index.js'

const interruption = new AbortController()
process.once('SIGINT', () => interruption.abort())

// The second file goes on from the weights that the first one saves.
for (const file of ['examples/iris/train.yaml', 'examples/iris/continue.yaml']) {
  console.log(file)
  const outcome = await runFile(file, { signal: interruption.signal })
  process.exitCode = outcome.exitCode
  if (!outcome.ok) break
  const { accuracy, flowers, saved } = outcome.value as TrainIrisResult
  console.log(`accuracy ${accuracy.toFixed(2)} on ${flowers} held-out flowers, model saved to ${saved}`)
}
