// What is published: the files, the names and types that they export, and the packages that come along.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
    const kinds = (await packedFiles()).map(kindOf)
    assert.deepEqual([...new Set(kinds)].sort(), [
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'dist/**/*.d.ts',
      'dist/**/*.js',
      'dist/cli/commander.cjs',
      'dist/cli/licences.txt',
      'dist/cluster/agent.cjs',
      'dist/host/**',
      'dist/language-server/licences.txt',
      'dist/language-server/protocol.cjs',
      'dist/view/licences.txt',
      'dist/view/page.json.br',
      'docs/*.md',
      'docs/*.png',
      'docs/*.svg',
      'docs/errors/*.md',
      'examples/**',
      'package.json',
      'template/**',
    ])
    assert.ok(kinds.filter((kind) => kind === 'dist/**/*.js').length < 100, 'modules are joined')
  })

  test('has every page and picture that its pages link to', async () => {
    const files = new Set(await packedFiles())
    const pages = [...files].filter((path) => path.endsWith('.md'))
    assert.ok(pages.includes('docs/start-here.md'))
    const lost = pages.flatMap((page) => targetsOf(page).filter((target) => !files.has(target)))
    assert.deepEqual(lost, [])
  })

  test('has all files of a new project', async () => {
    const files = await packedFiles()
    const names = readdirSync('template', { recursive: true, encoding: 'utf8' })
    for (const name of names.filter((name) => name.includes('.')))
      assert.ok(files.includes(`template/${name}`), name)
  })

  test('names one repository, and names it in package.json only', () => {
    const { homepage, bugs, repository } = manifest
    const [, address] = /^git\+(https:\/\/.+)\.git$/.exec(repository.url) ?? []
    assert.ok(address)
    assert.deepEqual([homepage, bugs.url], [`${address}#readme`, `${address}/issues`])
    const files = ['README.md', ...['docs', 'src', 'template', 'examples'].flatMap(textsIn)]
    assert.deepEqual(
      files.filter((path) => readFileSync(path, 'utf8').includes(address)),
      [],
    )
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

let packed: Promise<string[]> | undefined

/** The paths in the tarball. */
function packedFiles(): Promise<string[]> {
  packed ??= execute('npm', ['pack', '--dry-run', '--json'], { maxBuffer: 1 << 24 }).then(({ stdout }) => {
    const [tarball] = Object.values<{ files: { path: string }[] }>(JSON.parse(stdout))
    return tarball!.files.map(({ path }) => path)
  })
  return packed
}

/** The pattern that a file of the package matches, or its path. */
function kindOf(path: string): string {
  if (path.startsWith('dist/host/')) return 'dist/host/**'
  const [, ending] = /^dist\/.*?(\.d\.ts|\.js)$/.exec(path) ?? []
  if (ending) return `dist/**/*${ending}`
  const [, folder, picture] = /^(docs\/(?:errors\/)?)[\w-]+(\.\w+)$/.exec(path) ?? []
  if (folder) return `${folder}*${picture}`
  return path.replace(/^(examples|template)\/.*/, '$1/**')
}

/** The files that a page links to. */
function targetsOf(page: string): string[] {
  const text = readFileSync(page, 'utf8').replace(/^```.*?^```$/gms, '')
  const links = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, link]) => link!)
  return links.filter((link) => !/^\w+:/.test(link)).map((link) => join(dirname(page), link))
}

function textsIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => /\.(?:ts|js|md|json|yaml)$/.test(name)).map((name) => join(folder, name))
}
