import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { EditorProject } from '../support/editor.js'
import { manifestOf } from '../support/editor-classes.js'

const index = `
import { register, registrable } from 'flambeau'
import './other.ts'

export class Box<T> {
  constructor(readonly options: { value?: T }) {}
}
register(Box, '!Box')

@registrable('!Hidden')
class Hidden {}

@registrable('!Main')
export default class Main {
  readonly name = 'main'
}
`
const other = `
import { register } from 'flambeau'

export class Other {
  readonly answer = 42
  private constructor() {}
  static open() {
    return new Other()
  }
}
register(Other, '!torch.Other', { create: 'open' })
`
const use = `
import { load } from 'flambeau'

const answer: 42 = load('!torch.Other', { expect: '!torch.Other' }).answer
const name: 'main' = load('!Main', { expect: '!Main' }).name
const box = load('!Box { value: 1 }', { expect: '!Box' }).options.value
const hosts = load('!Sweep {}', { expect: '!Sweep' }).options
// @ts-expect-error: it has no such property
load('!Main', { expect: '!Main' }).answer
export { answer, name, box, hosts }
`

describe('flambeau types', () => {
  let project: EditorProject
  before(() => {
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      types: [],
    }
    project = new EditorProject({
      'package.json': manifestOf(['./src/index.ts']),
      'src/index.ts': index,
      'src/other.ts': other,
      'src/use.ts': use,
      'tsconfig.json': JSON.stringify({ compilerOptions, include: ['src', '*.d.ts'] }),
    })
  })
  after(() => project.remove())

  const run = (...args: string[]) =>
    spawnSync(process.execPath, [resolve('dist/cli/main.js'), 'types', ...args], {
      cwd: project.folder,
      encoding: 'utf8',
    })

  test('writes a declaration with which the tag says the type', () => {
    const { stdout, stderr, status } = run()
    assert.equal(status, 0)
    assert.match(stdout, /^Written: the types of \d+ tags in "flambeau\.d\.ts"$/m)
    assert.equal(stderr.trim(), '"!Hidden" is left out: no module exports its class "Hidden"')
    const written = project.read('flambeau.d.ts')
    assert.match(
      written,
      /^ {4}'!torch\.Other': \(typeof import\('\.\/src\/other\.js'\)\.Other\)\['prototype'\]$/m,
    )
    assert.match(written, /^ {4}'!Main': \(typeof import\('\.\/src\/index\.js'\)\.default\)\['prototype'\]$/m)
    const tsc = resolve('node_modules/typescript/bin/tsc')
    const compiled = spawnSync(process.execPath, [tsc, '-p', '.'], { cwd: project.folder, encoding: 'utf8' })
    assert.equal(compiled.stdout, '')
    assert.equal(compiled.status, 0)
  })

  test('leaves a file alone that says the same, and names the file that it writes', () => {
    run('src/tags.d.ts')
    assert.match(project.read('src/tags.d.ts'), /typeof import\('\.\/other\.js'\)/)
    const { mtimeMs } = statSync(project.path('src/tags.d.ts'))
    assert.match(run('src/tags.d.ts').stdout, /^Unchanged: the types of \d+ tags in "src\/tags\.d\.ts"$/m)
    assert.equal(statSync(project.path('src/tags.d.ts')).mtimeMs, mtimeMs)
  })

  test('says what is wrong where it cannot write, or where a module fails', () => {
    const { status, stderr } = run('nowhere/tags.d.ts')
    assert.equal(status, 74)
    assert.match(stderr, /"nowhere\/tags\.d\.ts" could not be written: its folder does not exist/)
    project.write('src/broken.ts', 'throw new Error("broken")\n')
    const failed = run('--import', './src/broken.ts')
    assert.equal(failed.status, 1)
    assert.match(failed.stderr, /threw an error while it was imported: Error: broken/)
  })
})
