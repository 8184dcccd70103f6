// What is published: the files, the names and types that they export, and the packages that come along.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const manifest = JSON.parse(readFileSync('package.json', 'utf8'))

describe('what is published', () => {
  test('exports what test/data/public-api.txt says; "npm run api" writes it anew', async () => {
    const { stdout } = await execute(process.execPath, ['test/support/public-api.js'], { maxBuffer: 1 << 24 })
    assert.equal(stdout, readFileSync('test/data/public-api.txt', 'utf8'))
  })

  test('every sub-path exports something', () => {
    const text = readFileSync('test/data/public-api.txt', 'utf8')
    for (const path of Object.keys(manifest.exports).filter((path) => path !== './package.json'))
      assert.match(text, new RegExp(`^# ${path.replace('.', manifest.name)}\\n\\n\\w`, 'm'))
  })

  test('is what a program and a compiler need, and what people read', async () => {
    const { stdout } = await execute('npm', ['pack', '--dry-run', '--json'], { maxBuffer: 1 << 24 })
    const [packed] = Object.values<{ files: { path: string }[] }>(JSON.parse(stdout))
    const kinds = packed!.files.map(({ path }) => kindOf(path))
    assert.deepEqual([...new Set(kinds)].sort(), [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/**/*.d.ts',
      'dist/**/*.js',
      'dist/cluster/agent.cjs',
      'package.json',
    ])
    assert.ok(kinds.filter((kind) => kind === 'dist/**/*.js').length < 60, 'modules are joined')
  })

  test('has a command that a shell can start', async () => {
    const { stdout } = await execute('dist/cli/main.js', ['--version'])
    assert.equal(stdout, `${manifest.version}\n`)
  })

  test('has no comment that leads to a source map', () => {
    const file = readFileSync('dist/index.js', 'utf8')
    assert.ok(!file.includes('sourceMappingURL'))
  })

  test('brings the packages that docs/architecture.md explains, and no other', () => {
    const page = readFileSync('docs/architecture.md', 'utf8')
    const [, section = ''] = page.split('## What is installed with it')
    const explained = [...section.matchAll(/^\| `([^`]+)` \| \S/gm)].map(([, name]) => name!)
    const brought = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
    assert.deepEqual(explained.sort(), brought.sort())
    assert.deepEqual(Object.keys(manifest.peerDependenciesMeta), Object.keys(manifest.peerDependencies))
  })

  test('is of a licence, for some Node, and runs nothing when it is installed', () => {
    assert.equal(manifest.license, 'MIT')
    assert.equal(manifest.engines.node, '>=20.19')
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare'])
      assert.equal(manifest.scripts[script], undefined, script)
  })
})

/** The pattern that a file of the package is one of, or its very path. */
function kindOf(path: string): string {
  const [, ending] = /^dist\/.*?(\.d\.ts|\.js)$/.exec(path) ?? []
  return ending ? `dist/**/*${ending}` : path
}
