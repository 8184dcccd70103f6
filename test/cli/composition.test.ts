import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { ExtensionLab, type Files, seeing } from '../support/extension-lab.js'

const program = `
  import { registrable, Runnable } from 'flambeau'
  import { z } from 'zod'
  const Options = z.object({ rate: z.number(), data: z.unknown().optional() })
  export class Train extends Runnable.with(Options) {
    run() { return { rate: this.options.rate, data: this.options.data, content: this.content } }
  }
  registrable('!Train')(Train)
`

let lab: ExtensionLab
before(() => {
  lab = new ExtensionLab()
  lab.link('.')
})
after(() => lab.remove())

let count = 0

/** Writes a project with the program; returns the folder and a function that runs the command line with paths in it. */
function project(files: Files) {
  const name = `project-${count++}`
  lab.write(name, { 'package.json': '{ "type": "module" }', 'train.mjs': program, ...files })
  const flambeau = (...args: string[]) => lab.flambeau(args)
  return {
    name,
    flambeau,
    file: (path: string) => join(name, path),
    imports: ['--import', `./${name}/train.mjs`],
  }
}

const files = {
  'train.yaml': '# the job\n!Train\nrate: 0.1   # slow\ndata: !include data/iris.yaml\n',
  'data/iris.yaml': '# flowers\nrows: 150\n',
  'fast.yaml': '!extends\nfile: train.yaml\nset:\n  rate: 1\n',
}

describe('flambeau run', () => {
  test('runs a file that is made of files', async () => {
    const { flambeau, file, imports } = project(files)
    const { code, stdout, stderr } = await flambeau('run', file('fast.yaml'), ...imports)
    assert.equal(code, 0, stderr)
    const { rate, data, content } = JSON.parse(stdout)
    assert.deepEqual([rate, data], [1, { rows: 150 }])
    assert.equal(content, files['fast.yaml'])
  })

  test('points into the included file, and shows the way to it', async () => {
    const { name, flambeau, file, imports } = project({
      ...files,
      'fast.yaml': files['fast.yaml'].replace('1', 'x'),
    })
    const { code, stderr } = await flambeau('run', file('fast.yaml'), ...imports)
    assert.equal(code, 22)
    assert.match(stderr, new RegExp(`${name}/fast\\.yaml:4:9\\n`))
  })

  test('takes overrides, variables of files, and another root', async () => {
    const { name, flambeau, file, imports } = project({
      'train.yaml': '!Train\nrate: !env RATE\ndata: !include ../shared.yaml\n',
      'rates.env': 'RATE=0.25\nTOKEN=no-real-token\n',
    })
    lab.write('.', { 'shared.yaml': 'rows: 1\n' })
    const args = ['run', file('train.yaml'), 'data.rows=2', ...imports, '--env-file', file('rates.env')]
    const outside = await flambeau(...args)
    assert.equal(outside.code, 22)
    assert.match(outside.stderr, new RegExp(`"\\.\\./shared\\.yaml" is outside ".*${name}"`))
    const { code, stdout, stderr } = await flambeau(...args, '--include-root', '.')
    assert.equal(code, 0, stderr)
    const { rate, data, content } = JSON.parse(stdout)
    assert.deepEqual([rate, data], [0.25, { rows: 2 }])
    assert.equal(content, '!Train\nrate: !env RATE\ndata:\n  rows: 2\n')
    const missing = await flambeau('run', file('train.yaml'), ...imports, '--include-root', '.')
    assert.equal(missing.code, 22)
    assert.match(missing.stderr, /RATE/)
    assert.doesNotMatch(missing.stderr + outside.stderr, /no-real-token/)
  })

  test('names what an operand can be', async () => {
    const { flambeau, file, imports } = project({
      'a.yaml': '!Train\nrate: 1\n',
      'a=b.yaml': '!Train\nrate: 1\n',
    })
    assert.match((await flambeau('run', file('a.yaml'), 'rate')).stderr, /write "rate=VALUE"/)
    const both = await flambeau('check', file('a.yaml'), `./${file('a=b.yaml')}`, ...imports)
    assert.match(both.stderr, /No problems in 2 files/)
    assert.match((await flambeau('run', "'rate=1'", file('a.yaml'))).stderr, /<argument 1>:1:1/)
    assert.match((await flambeau('check', 'x=1', 'y=2')).stderr, /no file is named/)
  })
})

describe('flambeau resolve', () => {
  test('prints one file with the comments of all, without the classes', async () => {
    const { flambeau, file } = project(files)
    const { code, stdout } = await flambeau('resolve', file('fast.yaml'))
    assert.equal(code, 0)
    assert.equal(stdout, '# the job\n!Train\nrate: 1 # slow\ndata:\n  # flowers\n  rows: 150\n')
  })

  test('with --blame names the origin of each line', async () => {
    const { name, flambeau, file } = project(files)
    const { stdout } = await flambeau('resolve', file('train.yaml'), '--blame')
    const iris = `${name}/data/iris.yaml:2`
    assert.equal(
      stdout,
      [
        [`${name}/train.yaml:2`, '# the job'],
        [`${name}/train.yaml:2`, '!Train'],
        [`${name}/train.yaml:3`, 'rate: 0.1 # slow'],
        [`${name}/train.yaml:4`, 'data:'],
        [iris, '  # flowers'],
        [iris, '  rows: 150'],
      ]
        .map(([place, line]) => `${place!.padEnd(iris.length)} | ${line}\n`)
        .join(''),
    )
  })

  test('with --json gives the origins as data', async () => {
    const { name, flambeau, file } = project(files)
    const { stdout } = await flambeau('resolve', file('train.yaml'), '--json')
    const { text, origins } = JSON.parse(stdout)
    assert.match(text, /rows: 150/)
    assert.deepEqual(
      origins.find(({ path }: { path: string }) => path === 'data.rows'),
      {
        path: 'data.rows',
        resolvedLine: 6,
        file: `${name}/data/iris.yaml`,
        line: 2,
        column: 7,
        related: [{ message: 'included at', file: `${name}/train.yaml`, line: 4, column: 7 }],
      },
    )
  })

  test('leaves a file that is not made of others byte for byte', async () => {
    const text = '# a\r\n!Train   { rate:   1 }\r\n'
    const { flambeau, file } = project({ 'a.yaml': text })
    assert.equal((await flambeau('resolve', file('a.yaml'))).stdout, text)
  })
})

describe('flambeau check', () => {
  test('reports the positions of an included file to GitHub and as JSON', async () => {
    const { name, flambeau, file, imports } = project({
      'train.yaml': '!Train\nrate: !include rate.yaml\n',
      'rate.yaml': '# wrong\nfast\n',
    })
    const github = await flambeau('check', file('train.yaml'), '--format', 'github', ...imports)
    assert.match(
      github.stdout,
      new RegExp(`file=${name}/rate\\.yaml,line=2,.*included at ${name}/train\\.yaml:2:7`),
    )
    const json = JSON.parse((await flambeau('check', file('train.yaml'), '--json', ...imports)).stdout)
    assert.deepEqual(json[0].related, [
      { message: 'included at', file: `${name}/train.yaml`, line: 2, column: 7 },
    ])
  })
})

describe('the arguments of flambeau check', () => {
  test('are shown to GitHub at what they replace, or at the top of the file', async () => {
    const { name, flambeau, file, imports } = project({ 'train.yaml': '# a comment\n!Train\nrate: 1\n' })
    const { stdout } = await flambeau(
      ...['check', file('train.yaml'), 'rate=fast', 'rat.x=1', '--format', 'github', ...imports],
    )
    assert.doesNotMatch(stdout, /file=<|file=%3C/)
    assert.match(stdout, new RegExp(`file=${name}/train\\.yaml,line=3,.*in argument 1: rate=fast`))
    assert.match(stdout, new RegExp(`file=${name}/train\\.yaml,line=1,.*in argument 2: rat\\.x=1`))
  })

  test('may lack "="', async () => {
    const { flambeau, file } = project({ 'a.yaml': '{}\n', 'b.yaml': '{}\n' })
    const second = async (operand: string): Promise<string> =>
      (await flambeau('check', file('a.yaml'), 'x=1', operand)).stderr
    assert.match(await second('rate'), /2 files are named: name one, or to set an option, write "rate=VALUE"/)
    assert.match(await second(file('b.yaml')), /2 files are named: name one$/m)
  })
})

describe('the extensions of a base', () => {
  const base = 'vision: ./vision\n---\n!vision.See\n'

  test('count for the file that extends it, with paths from the base', async () => {
    const { name, flambeau, file } = project({
      'job.yaml': '!extends\nfile: bases/base.yaml\n',
      'bases/base.yaml': base,
    })
    lab.write(`${name}/bases/vision`, seeing('far'))
    const { code, stdout, stderr } = await flambeau('run', file('job.yaml'), '-i')
    assert.equal(stderr, '')
    assert.deepEqual([code, stdout], [0, 'far\n'])
    const locked = await flambeau('lock', file('job.yaml'))
    assert.equal(locked.code, 0, locked.stderr)
    assert.match(readFileSync(join(lab.folder, name, 'job.lock.yaml'), 'utf8'), /vision/)
    const resolved = await flambeau('resolve', file('job.yaml'))
    assert.equal(resolved.stdout, 'vision: ./bases/vision\n---\n!vision.See\n')
    const checked = await flambeau('check', file('job.yaml'), '-i')
    assert.equal(checked.code, 0, checked.stderr)
  })

  test('must have the same source as those of the file', async () => {
    const { name, flambeau, file } = project({
      'job.yaml': 'vision: ./vision\n---\n!extends\nfile: bases/base.yaml\n',
      'same.yaml': 'vision: ./bases/vision\n---\n!extends\nfile: bases/base.yaml\n',
      'bases/base.yaml': base,
    })
    lab.write(`${name}/bases/vision`, seeing('far'))
    const { code, stderr } = await flambeau('run', file('job.yaml'))
    assert.equal(code, 22)
    assert.match(stderr, /declared with another source/)
    assert.match(stderr, new RegExp(`${name}/bases/base\\.yaml:1:9`))
    assert.match(stderr, new RegExp(`declared at ${name}/job\\.yaml:1:9`))
    const checked = await flambeau('check', file('job.yaml'))
    assert.equal(checked.code, 22)
    assert.match(checked.stdout + checked.stderr, /declared with another source/)
    assert.equal((await flambeau('run', file('same.yaml'))).stdout, 'far\n')
  })
})
