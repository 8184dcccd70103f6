/**
 * Brings up three hosts on this machine, runs a runnable on them, and takes them away again:
 * `npm run example:cluster`.
 */
import { loadFile } from 'flambeau'
import { LocalCluster } from 'flambeau/cluster'
import { Census } from './index.js'

const here = new URL('../../../examples/cluster/', import.meta.url)
await using cluster = await loadFile(new URL('cluster.yaml', here), { expect: LocalCluster })
const census = await loadFile(new URL('census.yaml', here), { expect: Census })

const run = await cluster.submit(census, {
  imports: [new URL('./index.js', import.meta.url)],
  onEvent: (event) => {
    if (event.kind === 'did') console.log(`${event.host}: ${event.what}`)
  },
})
console.log(`run ${run.id}`)
for await (const chunk of run.logs({ follow: true })) process.stdout.write(chunk)
const { state, value } = await run.wait()
console.log(state, value)
await cluster.down()
