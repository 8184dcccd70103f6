/** The texts that are timed: what people write, and the same by the thousand. */

const job = `# trains the baseline
!Train
data: !Dataset
  path: ./data/train.csv   # one row a sample
  split: 0.33
  shuffle: true
model: &model !Model
  layers: [64, 64, 32]
  activation: relu
  dropout: 0.1
  name: "baseline"
optimizer: !Adam
  rate: 0.001
  beta: [0.9, 0.999]
scheduler: !Cosine
  warmup: 100
  total: 10000
evaluate: !Evaluate
  model: *model
  metrics:
    - !Accuracy {}
    - !F1 { average: macro }
    - !Loss
callbacks:
  - !Checkpoint
    every: 10
    path: ./out
  - !EarlyStop { patience: 5 }
epochs: 100
seed: 42
`

/** Every tag that the texts have. */
export const tags = [
  ...'Train Dataset Model Adam Cosine Evaluate Accuracy F1 Loss Checkpoint EarlyStop'.split(' '),
  ...Array.from({ length: 9 }, (_, index) => `Part${index}`),
]

const jobs = (count) => {
  const rows = Array.from({ length: count }, (_, at) => [
    '  - !Train',
    `    name: job${at}`,
    `    rate: 0.${(at % 9) + 1}`,
    `    epochs: ${at}`,
  ])
  return `jobs:\n${rows.flat().join('\n')}\n`
}

/** Objects of twenty classes on four levels, each with four keys: 93,000 are 8 MB. */
const nested = (count) => {
  const lines = ['jobs:']
  for (let number = 0; number < count; ) {
    lines.push(`  - !${tags[number % tags.length]}`)
    for (let level = 1; level <= 4; level++, number++) {
      const indent = '  '.repeat(level + 1)
      lines.push(
        `${indent}name: item ${number}`,
        `${indent}rate: 0.${number % 1000}`,
        `${indent}count: ${number}`,
      )
      lines.push(level < 4 ? `${indent}child: !${tags[(number + 1) % tags.length]}` : `${indent}last: true`)
    }
  }
  return `${lines.join('\n')}\n`
}

const lines = (count, line) => Array.from({ length: count }, (_, at) => line(at)).join('')

/** Texts of any size, by what there is much of in them. */
export const growing = {
  tags: jobs,
  keys: (count) => lines(count, (at) => `key${at}: value ${at}\n`),
  aliases: (count) => `base: &base { a: 1 }\nall:\n${lines(count, () => '  - *base\n')}`,
  anchors: (count) => lines(count, (at) => `- &a${at} { a: 1 }\n`),
  comments: (count) => `a: 1\n${lines(count, (at) => `# comment ${at}\n`)}b: 2\n`,
  documents: (count) => lines(count, (at) => `---\na: ${at}\n`),
}

/** Fixed texts, by the names that the table shows. */
export const texts = {
  '0.5 kB': () => job,
  '168 kB': () => nested(2_000),
  '1 MB': () => nested(12_000),
  '8 MB': () => nested(93_000),
  '100 MB': () => nested(1_120_000),
  '2,000 tags': () => jobs(2_000),
  '5,000 keys': () => growing.keys(5_000),
}

/** The same text as only the exact reader takes it: directives are unusual. */
export const forTheExactWay = (text) => `%YAML 1.2\n---\n${text}`
