import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { check, checkFile, type DocumentError, dump, load, loadFile } from 'flambeau'

const root = process.cwd()

// The examples name their files from the current folder: each run of this file has one of its own to write to.
const folder = mkdtempSync(join(tmpdir(), 'flambeau-examples-'))
mkdirSync(join(folder, 'build'))
symlinkSync(join(root, 'examples'), join(folder, 'examples'), 'junction')
symlinkSync(join(root, 'build', 'examples'), join(folder, 'build', 'examples'), 'junction')
after(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

async function node(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    // A home of its own, in which hosts of a cluster may lie.
    env: { ...process.env, HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  const [code] = await once(child, 'close')
  return { code, ...said }
}

const example = (...path: string[]) => join(root, 'build', 'examples', ...path)
const importExample = (...path: string[]) => import(pathToFileURL(example(...path)).href)
const written = (name: string) => readFileSync(join(folder, 'build', 'iris', name), 'utf8')

const source = (...path: string[]) => readFileSync(join(root, 'examples', ...path), 'utf8')

describe('iris', () => {
  let program: Ended
  before(async () => {
    program = await node(example('iris', 'train.js'))
  })

  test('train.js trains twice, and both models know at least nine of ten flowers', () => {
    assert.equal(program.code, 0, program.stderr)
    const accuracies = [...program.stdout.matchAll(/accuracy (\d\.\d+) on (\d+) held-out flowers/g)]
    assert.equal(accuracies.length, 2)
    for (const [, accuracy, flowers] of accuracies) {
      assert.ok(Number(accuracy) >= 0.9 && Number(accuracy) <= 1, accuracy)
      assert.equal(flowers, '50')
    }
  })

  test('train.js shows progress on standard error, and the loss falls', () => {
    const losses = [...program.stderr.matchAll(/^epoch \d+: loss (\d\.\d+)$/gm)].map(([, loss]) =>
      Number(loss),
    )
    const [first, ...rest] = losses.slice(0, 6)
    assert.ok(rest.length >= 3)
    assert.ok(rest.every((loss) => loss < first!))
    assert.doesNotMatch(program.stdout, /epoch/)
  })

  for (const name of ['model.yaml', 'continued.yaml'])
    test(`the model that is written to ${name} loads again and knows the flowers`, async () => {
      await importExample('iris', 'index.js')
      const { SoftmaxRegression } = await importExample('iris', 'softmax-regression.js')
      const { IrisDataset } = await importExample('iris', 'dataset.js')
      const text = written(name)
      assert.match(text, /^!SoftmaxRegression\n/)
      const model: any = load(text, { expect: SoftmaxRegression })
      const { heldOut } = new IrisDataset({ testShare: 0.3333, seed: 1936 })
      assert.equal(heldOut.length, 50)
      assert.ok(model.accuracy(heldOut) >= 0.9)
      assert.equal(dump(model), text)
    })

  test('the second training goes on from the first', () => {
    assert.notEqual(written('continued.yaml'), written('model.yaml'))
  })

  const file = (name: string) => join(root, 'examples', 'iris', name)
  const loadTraining = (name: string): Promise<any> => loadFile(file(name))

  test('its files have no problems, and are written back as they are', async () => {
    await importExample('iris', 'index.js')
    // continue.yaml names the model by a path from the current folder.
    process.chdir(folder)
    try {
      for (const name of ['train.yaml', 'continue.yaml', 'momentum.yaml']) {
        assert.deepEqual(await checkFile(file(name)), [])
        const training = await loadTraining(name)
        assert.equal(training.options.evaluate, training.options.dataset)
        assert.equal(dump(training), source('iris', name))
      }
    } finally {
      process.chdir(root)
    }
  })

  test('a variant is train.yaml with the changes that it names', async () => {
    await importExample('iris', 'index.js')
    const base = await loadTraining('train.yaml')
    const variant = await loadTraining('momentum.yaml')
    const { optimizer, epochs, logEvery, output, dataset } = variant.options
    assert.equal(optimizer.constructor.name, 'Momentum')
    assert.deepEqual([epochs, logEvery, output], [100, 10, undefined])
    assert.deepEqual(dataset.options, base.options.dataset.options)
  })

  test('an override changes a variant for one run', async () => {
    const { code, stdout, stderr } = await node(
      join(root, 'dist', 'cli', 'main.js'),
      'run',
      'examples/iris/momentum.yaml',
      'optimizer.rate=0.02',
      'epochs=200',
      '--import',
      './build/examples/iris/index.js',
    )
    assert.equal(code, 0, stderr)
    assert.ok(JSON.parse(stdout).accuracy >= 0.9)
    assert.match(stderr, / info {2}epoch 200: loss/)
  })

  test('the resolved variant names no other file', async () => {
    const { code, stdout } = await node(
      join(root, 'dist', 'cli', 'main.js'),
      'resolve',
      'examples/iris/continue.yaml',
    )
    assert.equal(code, 0)
    assert.match(stdout, /^!TrainIris$/m)
    assert.doesNotMatch(stdout, /!extends|train\.yaml:/)
    assert.match(stdout, /^epochs: 100$/m)
  })

  test('its mistakes are found before it trains', async () => {
    await importExample('iris', 'index.js')
    const wrong = source('iris', 'train.yaml')
      .replace('epochs: 300', 'epochs: many')
      .replace('!sgd { rate: 0.5 }', '!sgd { rate: -1 }')
    const lines = wrong.split('\n')
    assert.deepEqual(
      check(wrong).map(({ line }) => lines[line - 1]?.trim().split(/[: ]/)[0]),
      ['optimizer', 'epochs'],
    )
  })

  test('npm start searches with 40 trials, most of which are stopped early, and the best one knows the flowers', async () => {
    const { code, stdout, stderr } = await node(example('iris', 'main.js'))
    assert.equal(code, 0, stderr)
    assert.match(stderr, /^40\/40 /m)
    assert.match(stderr, /^rank +trial +loss +optimizer( +optimizer\.(?:rate|momentum)){2} +time$/m)
    const [, stopped, loss] =
      /^best of 40, (\d+) stopped early: trial \d\d with loss (0\.\d+), see build\/iris\/sweep\n$/.exec(
        stdout,
      ) ?? []
    assert.ok(Number(stopped) > 0 && Number(stopped) < 40, stdout)
    assert.ok(Number(loss) < 0.2, stdout)
    await importExample('iris', 'index.js')
    assert.match(dump(load(written('sweep/best.yaml'))), /^!TrainIris\n/)
  })

  test('the command line comes to the same', async () => {
    const before = written('model.yaml')
    rmSync(join(folder, 'build', 'iris', 'model.yaml'))
    const { code, stdout, stderr } = await node(
      join(root, 'dist', 'cli', 'main.js'),
      'run',
      'examples/iris/train.yaml',
      '--import',
      './build/examples/iris/index.js',
    )
    assert.equal(code, 0, stderr)
    const result = JSON.parse(stdout)
    assert.ok(result.accuracy >= 0.9)
    assert.equal(result.flowers, 50)
    assert.match(result.saved, /model\.yaml$/)
    assert.match(stderr, / info {2}epoch 50: loss/)
    assert.equal(written('model.yaml'), before)
    const [accuracy] = /(?<=accuracy )\d\.\d+/.exec(program.stdout) ?? []
    assert.equal(result.accuracy.toFixed(2), accuracy)
  })
})

describe('custom-yaml', () => {
  test('reads durations as words, and writes them as words', async () => {
    const { code, stdout, stderr } = await node(example('custom-yaml', 'main.js'))
    assert.equal(code, 0, stderr)
    assert.match(stdout, /warmup: Duration \{ seconds: 90 \}/)
    assert.match(stdout, /training: Duration \{ seconds: 7200 \}/)
    assert.ok(stdout.includes(source('custom-yaml', 'limits.yaml')))
    assert.match(stdout, /^cleanup: !Duration 30m$/m)
  })

  test('refuses what is no duration, at its place', async () => {
    await importExample('custom-yaml', 'duration.js')
    assert.throws(
      () => load('a: 1\nb: !Duration soon\n'),
      (error: DocumentError) => {
        const [problem] = error.problems
        assert.match(problem?.message ?? '', /"soon" is no duration/)
        assert.equal(problem?.line, 2)
        return true
      },
    )
  })
})

describe('cluster', () => {
  test('asks each factory of a cluster on this machine, and takes it away again', async () => {
    const { code, stdout, stderr } = await node(example('cluster', 'main.js'))
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^\d\d:\d\d:\d\d info {2}asking 2 factories$/m)
    for (const name of ['factory-1', 'factory-2'])
      assert.ok(stdout.includes(`home ${join(folder, '.flambeau/local/example', name)}`), stdout)
    assert.equal(existsSync(join(folder, '.flambeau/local/example')), false)
  })
})

describe('embedded', () => {
  test('runs its report from code and from a file', async () => {
    const { code, stdout, stderr } = await node(example('embedded', 'main.js'))
    assert.equal(code, 0, stderr)
    const counted = (extension: string) => {
      const names = readdirSync(join(root, 'examples', 'iris')).filter((name) => name.endsWith(extension))
      const bytes = names.map((name) => statSync(join(root, 'examples', 'iris', name)).size)
      return `{ files: ${names.length}, bytes: ${bytes.reduce((sum, size) => sum + size)} }`
    }
    assert.equal(stdout, `${counted('.yaml')}\n${counted('.ts')}\n`)
    assert.match(stderr, /counting the "\.yaml" files of examples\/iris/)
    assert.match(stderr, /counting the "\.ts" files of examples\/iris/)
  })

  test('keeps its tags to itself', async () => {
    const { stdout } = await node(
      join(root, 'dist', 'cli', 'main.js'),
      'tags',
      '--import',
      './build/examples/embedded/main.js',
    )
    assert.doesNotMatch(stdout, /!FolderReport/)
  })
})

test('every example is run here', () => {
  const folders = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  assert.deepEqual(folders.map(({ name }) => name).sort(), [
    'cluster',
    'custom-yaml',
    'embedded',
    'extension',
    'iris',
  ])
})

describe('extension', () => {
  const guide = readFileSync(join(root, 'docs', 'extensions.md'), 'utf8')

  test('is what the guide shows', () => {
    assert.ok(guide.includes(`// src/index.ts\n${source('extension', 'src', 'index.ts')}\`\`\``))
    assert.ok(guide.includes(`\`\`\`json\n${source('extension', 'package.json')}\`\`\``))
    assert.ok(guide.includes(source('extension', 'job.yaml')))
  })

  test('is a template: copied and built, it runs', async () => {
    const copy = join(folder, 'my-extension')
    cpSync(join(root, 'examples', 'extension'), copy, { recursive: true })
    mkdirSync(join(copy, 'node_modules'))
    symlinkSync(root, join(copy, 'node_modules', 'flambeau'), 'junction')
    for (const name of ['zod', '@types'])
      symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name), 'junction')
    const built = await node(join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', copy)
    assert.equal(built.code, 0, built.stdout)
    const ran = await node(join(root, 'dist', 'cli', 'main.js'), 'run', join(copy, 'job.yaml'))
    assert.deepEqual([ran.code, ran.stdout], [0, 'Good day, Countess Ada\n'])
    assert.match(ran.stderr, /^\d\d:\d\d:\d\d info {2}greeting\n$/)
    const shown = ran.stderr.replace(/^[\d:]+/, '12:34:56') + ran.stdout
    assert.ok(guide.includes(`flambeau run greet.yaml\n${shown}`))
  })
})
