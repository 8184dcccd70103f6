import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ExtensionLab } from '../support/extension-lab.js'

let lab: ExtensionLab
before(() => {
  lab = new ExtensionLab()
  lab.link('.')
  lab.write('.', {
    'package.json': '{ "type": "module" }',
    'hi.js': `
      import { registrable, Runnable } from 'flambeau'
      registrable('!Hi')(class Hi extends Runnable { run() { return 'hi' } })
    `,
    'hi.yaml': '!Hi {}\n',
    'sweep.yaml': '!Sweep\neach: !Hi {}\nmetric: value\n',
    'cluster.yaml': '!LocalCluster\nname: here\nfolder: ./hosts\n',
  })
})
after(() => lab.remove())

let count = 0

/** The files of this repository that a call of the command runs anything of: V8 itself counts them. */
async function loadedBy(...args: string[]): Promise<string[]> {
  const folder = join(lab.folder, `coverage-${count++}`)
  const { code, stderr } = await lab.flambeau(args, { NODE_V8_COVERAGE: folder })
  assert.equal(code, 0, stderr)
  const reports = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
  const scripts: { url: string }[] = reports.flatMap(({ result }) => result)
  const paths = scripts.filter(({ url }) => url.startsWith('file:')).map(({ url }) => fileURLToPath(url))
  return paths.map((path) => relative(process.cwd(), path).split(sep).join('/'))
}

const packagesIn = (files: string[]) =>
  [...new Set(files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []))].sort()
const ownFiles = (files: string[]) => files.filter((file) => file.startsWith('dist/')).sort()

const call = ['hi.yaml', '--import', './hi.js']

describe('what a call loads', () => {
  test('of "--version" is next to nothing', async () => {
    const files = await loadedBy('--version')
    assert.deepEqual(ownFiles(files), ['dist/chunks/base.js', 'dist/cli/main.js'])
    assert.deepEqual(packagesIn(files), [])
  })

  test('of "--help" is the names of the commands, and the parser', async () => {
    const files = await loadedBy('--help')
    assert.deepEqual(ownFiles(files), [
      'dist/chunks/base.js',
      'dist/chunks/program.js',
      'dist/cli/commander.cjs',
      'dist/cli/main.js',
    ])
    assert.deepEqual(packagesIn(files), [])
  })

  for (const args of [
    ['run', ...call],
    ['run', ...call, '--no-record'],
    ['run', ...call, '--dry-run'],
    ['check', ...call],
    ['resolve', 'hi.yaml'],
  ])
    test(`of "${args.join(' ')}" is no cluster, no pool and no package that the file does not need`, async () => {
      const files = await loadedBy(...args)
      const own = ownFiles(files)
      assert.ok(own.includes('dist/chunks/library.js'))
      assert.deepEqual(
        own.filter((file) => /cluster\/|pool\/|chunks\/(?:cluster|sweep|view|server|extensions)/.test(file)),
        [],
      )
      assert.ok(own.length <= 10, own.join(', '))
      assert.deepEqual(packagesIn(files), ['reflect-metadata'])
    })

  test('of a file with "!Sweep" is the pool, and of one with "!LocalCluster" the cluster', async () => {
    const sweep = await loadedBy('check', 'sweep.yaml', '--import', './hi.js')
    assert.ok(sweep.includes('dist/pool/index.js'))
    assert.ok(!sweep.includes('dist/cluster/index.js'))
    const cluster = await loadedBy('check', 'cluster.yaml')
    assert.ok(cluster.includes('dist/cluster/index.js'))
    assert.ok(!cluster.includes('dist/pool/index.js'))
  })
})
