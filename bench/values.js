/** Loading and dumping beside `yaml` and `js-yaml`, each subject in a process of its own. */
import { median, node, rounds } from './rounds.js'

const subjects = {
  parse: 'yaml parseDocument',
  jsYaml: 'js-yaml 5 load',
  load: 'flambeau load',
  exact: 'flambeau load, the exact way',
  stringify: 'yaml stringify of plain data',
  made: 'flambeau dump of objects made in code',
  again: 'yaml stringify',
  loaded: 'flambeau dump, comments kept',
}

/** `yaml` takes too much memory for the largest. */
const sizes = { quick: ['0.5 kB', '168 kB', '1 MB'], all: ['0.5 kB', '168 kB', '1 MB', '8 MB'] }

export function* loading(quick) {
  for (const text of quick ? sizes.quick : sizes.all) {
    const names = [
      subjects.parse,
      subjects.jsYaml,
      subjects.load,
      ...(text === '8 MB' ? [] : [subjects.exact]),
    ]
    const times = measured(text, names, quick)
    const ours = (peer, atMost, name = subjects.load) =>
      row({ name: `${name}, ${text}`, times, subject: name, peer, atMost })
    yield ours(subjects.parse, text === '0.5 kB' ? 0.05 : 0.04)
    yield ours(subjects.jsYaml, 0.5)
    if (text !== '8 MB') yield ours(subjects.parse, 0.85, subjects.exact)
  }
  if (!quick) yield* largest()
  yield manyClasses(quick)
}

function* largest() {
  const times = measured('100 MB', [subjects.jsYaml, subjects.load], true)
  yield row({
    name: 'flambeau load, 100 MB',
    times,
    subject: subjects.load,
    peer: subjects.jsYaml,
    atMost: 0.5,
  })
}

function manyClasses(quick) {
  const [peer, subject] = [
    'flambeau load with 40 classes registered',
    'flambeau load with 2,000 classes registered',
  ]
  return row({
    name: subject,
    times: measured('2,000 tags', [peer, subject], quick),
    subject,
    peer,
    atMost: 1.1,
  })
}

export function* dumping(quick) {
  for (const text of quick ? sizes.quick : sizes.all) {
    const made = measured(text, [subjects.stringify, subjects.made], quick)
    yield row({
      name: `dump of objects made in code, ${text}`,
      times: made,
      subject: subjects.made,
      peer: subjects.stringify,
      atMost: 0.1,
    })
    const loaded = measured(text, [subjects.again, subjects.loaded], quick)
    yield row({
      name: `dump of loaded objects, ${text}`,
      times: loaded,
      subject: subjects.loaded,
      peer: subjects.again,
      atMost: 0.5,
    })
  }
}

/** The peak memory of whole processes. */
export function* memory(quick) {
  for (const text of quick ? ['1 MB'] : ['8 MB', '100 MB']) {
    const [ours, theirs] = [subjects.load, subjects.jsYaml].map(
      (subject) => JSON.parse(node(['bench/peak.js', subject, text])).megabytes,
    )
    const value = `${Math.round(ours)} MB`
    yield {
      name: `peak memory of a load, ${text}`,
      peer: subjects.jsYaml,
      ratio: ours / theirs,
      atMost: 1,
      value,
    }
  }
}

/** How much longer a megabyte takes in a large text. */
export function* linearly(quick) {
  const [small, large] = quick ? ['1 MB', '8 MB'] : ['1 MB', '100 MB']
  const factor = { '8 MB': 93 / 12, '100 MB': 1120 / 12 }[large]
  const commands = Object.fromEntries(
    [small, large].map((text) => [text, ['bench/measure.js', subjects.load, text]]),
  )
  const times = rounds(quick ? 2 : 3, commands, (args) => JSON.parse(node(args)).median)
  const ratio = median(times.get(large).map((time, round) => time / times.get(small)[round])) / factor
  yield { name: `a load of ${large}, by the megabyte`, peer: `the same of ${small}`, ratio, atMost: 2 }
}

function measured(text, names, quick) {
  const commands = Object.fromEntries(names.map((name) => [name, ['bench/measure.js', name, text]]))
  return rounds(quick ? 1 : 3, commands, (args) => JSON.parse(node(args)).median)
}

function row({ name, times, subject, peer, atMost }) {
  const ratios = times.get(subject).map((time, round) => time / times.get(peer)[round])
  const value = `${median(times.get(subject)).toPrecision(3)} ms`
  return { name, peer, ratio: median(ratios), atMost, value }
}
