/** What overrides and included files cost, in turns with loading the same text without them: `composition(rounds)`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load, loadFile, registrable } from 'flambeau'
import { z } from 'zod'

const folder = mkdtempSync(join(tmpdir(), 'flambeau-bench-'))

class Layer {
  constructor(options) {
    this.options = options
  }
}
registrable('!BenchLayer', { schema: z.object({ units: z.number(), name: z.string() }) })(Layer)

const layer = (index) => `  - !BenchLayer\n    units: ${index}\n    name: layer ${index}\n`
const layers = (count) => `layers:\n${Array.from({ length: count }, (_, index) => layer(index)).join('')}`

const values = Array.from({ length: 10 }, (_, index) => `layers[${index * 200}].units=5`)

// Ten of every kind, spread over the document.
const overrides = [
  ...[1, 200, 1999].map((index) => `layers[${index}].units=5`),
  ...[300, 1500].map((index) => `layers[${index}].name=other name`),
  'layers[7]=!BenchLayer { units: 1, name: seven }',
  'layers+=!BenchLayer { units: 2, name: last }',
  'extra.rate=0.1',
  '~layers[1000]',
  'layers[-1].units=9',
]

function includes(count) {
  const top = Array.from({ length: count }, (_, index) => {
    writeFileSync(join(folder, `part-${index}.yaml`), layers(20))
    return `part${index}: !include part-${index}.yaml\n`
  })
  const name = join(folder, `top-${count}.yaml`)
  writeFileSync(name, top.join(''))
  return name
}

async function least(works, rounds) {
  const best = works.map(() => Infinity)
  for (let round = 0; round < rounds; round++)
    for (const [index, work] of works.entries()) {
      const start = performance.now()
      await work()
      best[index] = Math.min(best[index], performance.now() - start)
    }
  return best
}

export async function* composition(quick) {
  const count = quick ? 20 : 60
  const text = layers(2000)
  const works = [undefined, values, overrides].map((set) => () => load(text, set && { set }))
  const [plain, replaced, edited] = await least(works, count)
  const peer = 'the same text without them'
  yield { name: 'ten values replaced in 2,000 tags', peer, ratio: replaced / plain, atMost: 2.5 }
  yield { name: 'ten overrides of all kinds in 2,000 tags', peer, ratio: edited / plain, atMost: 4 }
  const counts = [100, 200, 400]
  const files = counts.map(includes)
  const [first, second, third] = await least(
    files.map((name) => () => loadFile(name)),
    Math.ceil(count / 3),
  )
  const ratio = Math.max(second / first, third / second)
  yield { name: 'twice as many included files', peer: 'half of them', ratio, atMost: 2.3 }
  rmSync(folder, { recursive: true })
}
