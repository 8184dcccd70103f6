/** Cost grows with the work: what twice as much costs. */
import { node } from './rounds.js'
import { growing } from './texts.js'

const count = 50_000

export function* doubled(quick) {
  const kinds = quick ? ['the quick way'] : ['the quick way', 'the exact way', 'dumped']
  for (const name of Object.keys(growing))
    for (const kind of kinds) {
      // The machine is noisy: the least of some.
      const ratios = Array.from({ length: quick ? 2 : 3 }, () => ratioOf(kind, name))
      const peer = `${count.toLocaleString('en')}`
      yield {
        name: `${(2 * count).toLocaleString('en')} ${name}, ${kind}`,
        peer,
        ratio: Math.min(...ratios),
        atMost: 2.3,
      }
    }
}

function ratioOf(kind, name) {
  return JSON.parse(node(['bench/growth.js', kind, name, String(count)])).ratio
}
