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

export async function composition(rounds) {
  console.log('\nFiles made of files')
  const text = layers(2000)
  const works = [undefined, values, overrides].map((set) => () => load(text, set && { set }))
  const [plain, replaced, edited] = await least(works, rounds)
  const ratio = (time) => `${(time / plain).toFixed(2)} ×`
  console.log(
    `  2,000 tags ${plain.toFixed(1)} ms; with ten values replaced ${ratio(replaced)} (at most 1.3)`,
  )
  console.log(`  with ten overrides of all kinds ${ratio(edited)}: the text is parsed once more`)
  const counts = [100, 200, 400]
  const files = counts.map(includes)
  const whole = join(folder, 'whole.yaml')
  writeFileSync(
    whole,
    Array.from(
      { length: 200 },
      (_, index) => `part${index}:\n  ${layers(20).replaceAll('\n', '\n  ')}\n`,
    ).join(''),
  )
  const [one, ...made] = await least(
    [whole, ...files].map((name) => () => loadFile(name)),
    Math.ceil(rounds / 3),
  )
  console.log(`  200 files ${(made[1] / one).toFixed(2)} × their text in one file`)
  const growth = made.slice(1).map((time, index) => `${(time / made[index]).toFixed(2)} ×`)
  console.log(`  twice as many files, ${counts.join(', ')}: ${growth.join(', ')} (at most 2.3)`)
  rmSync(folder, { recursive: true })
}

if (process.argv[1] === import.meta.filename) await composition(Number(process.argv[2] ?? 60))
