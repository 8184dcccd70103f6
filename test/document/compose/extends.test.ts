import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  checkFile,
  dump,
  load,
  loadFile,
  type Problem,
  Registry,
  registrable,
  setSerializableAttr,
} from 'flambeau'
import { z } from 'zod'
import { where, YamlProjects } from '../../support/yaml-project.js'

const registry = new Registry()

@registrable('!Adam', { registry, schema: z.object({ rate: z.number().default(1) }) })
class Adam {
  constructor(readonly options: { rate: number }) {}
}

@registrable('!Train', {
  registry,
  schema: z.object({
    epochs: z.number(),
    optimizer: z.instanceof(Adam).optional(),
    layers: z.array(z.number()).optional(),
    cache: z.boolean().optional(),
    name: z.string().optional(),
  }),
})
class Train {
  constructor(readonly options: Record<string, any>) {}
}

const projects = new YamlProjects()
const project = projects.write.bind(projects)

const base = `# the base
!Train
epochs: 3        # few
optimizer: !Adam
  rate: 0.1
layers: [1, 2]
cache: true
`

const extended = (set: string, more: Record<string, string> = {}) => ({
  'job.yaml': `# the job\n!extends\nfile: base.yaml\nset:\n${set.replace(/^/gm, '  ')}\n`,
  'base.yaml': base,
  ...more,
})

const read = async (files: Record<string, string>): Promise<Train> =>
  (await loadFile(await project(files), { registry })) as Train

const problemsOf = async (files: Record<string, string>): Promise<Problem[]> =>
  checkFile(await project(files), { registry })

describe('a file that extends another', () => {
  test('replaces, adds, appends and removes by path, in order', async () => {
    const { options } = await read(
      extended('optimizer.rate: 0.01\nlayers+: 3\n~cache:\nname: small\nlayers[0]: 8'),
    )
    assert.equal(options['optimizer'].options.rate, 0.01)
    assert.deepEqual(options['layers'], [8, 2, 3])
    assert.equal(options['name'], 'small')
    assert.ok(!('cache' in options))
  })

  test('replaces a tagged node as a whole, which takes no option of the old one', async () => {
    const { options } = await read(extended('optimizer: !Adam {}'))
    assert.equal(options['optimizer'].options.rate, 1)
  })

  test('takes a list of changes, where one path comes twice', async () => {
    const { options } = await read(extended('- layers+: 3\n- layers+: 4'))
    assert.deepEqual(options['layers'], [1, 2, 3, 4])
  })

  test('may be extended, and stand anywhere', async () => {
    const { options } = await read({
      'top.yaml': 'x: !Train\n  epochs: 1\na:\n  !extends\n  file: sub/job.yaml\n  set: { epochs: 5 }\n',
      'sub/job.yaml': '!extends\nfile: ../base.yaml\nset:\n  epochs: 4\n  optimizer.rate: 0.5\n',
      'base.yaml': base,
    }).then((value: any) => value.a)
    assert.equal(options.epochs, 5)
    assert.equal(options.optimizer.options.rate, 0.5)
  })

  test('without "set" is the other file', async () => {
    const { options } = await read({ 'job.yaml': '!extends { file: base.yaml }\n', 'base.yaml': base })
    assert.equal(options['epochs'], 3)
  })
})

describe('problems', () => {
  test('of a value that a schema refuses point into "set"', async () => {
    const problems = await problemsOf(extended('epochs: many'))
    assert.deepEqual(problems.map(where), ['job.yaml:5:11'])
  })

  test('of the base point into the base', async () => {
    const problems = await problemsOf(
      extended('cache: 5', { 'base.yaml': base.replace('epochs: 3', 'epochs: x') }),
    )
    assert.deepEqual(problems.map(where).sort(), ['base.yaml:3:9', 'job.yaml:5:10'])
    assert.equal(where(problems.find(({ file }) => file.endsWith('base.yaml'))!.related![0]!), 'job.yaml:3:7')
  })

  test('of a path point at the part that is unknown', async () => {
    const problems = await problemsOf(extended('optimizer.rat: 1\nlayers[5]: 1\noptimzer.rate: 2'))
    assert.deepEqual(problems.map(where), ['job.yaml:5:13', 'job.yaml:6:9', 'job.yaml:7:3'])
    assert.match(problems[0]!.message, /did you mean "rate"\?/)
    assert.match(problems[2]!.message, /did you mean "optimizer"\?/)
  })

  test('of unknown tags in what "set" replaces are not told', async () => {
    const files = extended('optimizer: !Adam {}', { 'base.yaml': base.replace('!Adam', '!Adm') })
    assert.deepEqual(await problemsOf(files), [])
  })

  test('of the shape name the options', async () => {
    const [problem] = await problemsOf({
      'job.yaml': '!extends\nfile: base.yaml\nsets: {}\n',
      'base.yaml': base,
    })
    assert.match(problem!.message, /has no option "sets": did you mean "set"\?/)
    const [missing] = await problemsOf({ 'job.yaml': '!extends { set: {} }\n' })
    assert.match(missing!.message, /"!extends" takes "file"/)
  })
})

describe('dump', () => {
  test('is the file, byte for byte', async () => {
    const files = extended('optimizer.rate: 0.01   # slower\nlayers+: 3')
    assert.equal(dump(await read(files)), files['job.yaml'])
  })

  test('writes the base out when something in it changed', async () => {
    const train = await read(extended('optimizer.rate: 0.01'))
    setSerializableAttr(train, 'epochs', 9)
    const text = dump(train)
    assert.match(text, /epochs: 9 +# few/)
    assert.match(text, /rate: 0.01/)
    assert.deepEqual((load(text, { registry }) as Train).options['epochs'], 9)
  })

  test('resolved has the comments and styles of the values in "set"', async () => {
    const train = await read(extended('optimizer: !Adam { rate: 0.01 } # slower\nname: short # new'))
    const text = dump(train, { resolved: true })
    assert.match(text, /optimizer: !Adam \{ rate: 0\.01 \} # slower/)
    assert.match(text, /name: short # new/)
  })

  test('resolved has the comments of both, and loads to an equal graph', async () => {
    const train = await read(extended('optimizer.rate: 0.01\n~layers:\nname: x'))
    const text = dump(train, { resolved: true })
    for (const comment of ['# the job', '# the base', '# few']) assert.ok(text.includes(comment), text)
    assert.deepEqual(load(text, { registry }), train)
    assert.doesNotMatch(text, /layers|extends/)
  })
})
