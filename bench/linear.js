/** Cost grows with the work: a table of what twice as much costs. */
import { node } from './rounds.js'
import { growing } from './texts.js'

const limit = 2.3
const count = 50_000

export function linear() {
  console.log(
    `\nTwice as much, ${count.toLocaleString('en')} to ${(2 * count).toLocaleString('en')}: at most ${limit} ×`,
  )
  for (const name of Object.keys(growing)) {
    const cells = ['the quick way', 'the exact way', 'dumped'].map((kind) => `${kind} ${cell(kind, name)}`)
    console.log(`  ${name.padEnd(10)} ${cells.join('   ')}`)
  }
}

// The machine is noisy: a ratio is the least of three.
function cell(kind, name) {
  const ratios = Array.from(
    { length: 3 },
    () => JSON.parse(node(['bench/growth.js', kind, name, String(count)])).ratio,
  )
  const ratio = Math.min(...ratios)
  return `${ratio.toFixed(2)} ×${ratio <= limit ? '' : ' EXCEEDED'}`
}
