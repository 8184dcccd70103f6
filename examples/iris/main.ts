import { runFile } from 'flambeau'
import type { SweepResult } from 'flambeau/pool'
import 'flambeau/pool'
import './index.js'

const interruption = new AbortController()
process.once('SIGINT', () => interruption.abort())

// 40 trainings, most of which are stopped early, in processes of their own, which import the same classes; done again each time.
const outcome = await runFile<SweepResult>('examples/iris/sweep.yaml', {
  signal: interruption.signal,
  force: true,
  runOptions: { imports: [new URL('./index.js', import.meta.url)] },
})
process.exitCode = outcome.exitCode
if (outcome.ok) {
  const { best, trials, stopped, output } = outcome.value
  const loss = best.metric?.toFixed(4)
  console.log(
    `best of ${trials}, ${stopped} stopped early: trial ${best.trial} with loss ${loss}, see ${output}`,
  )
}
