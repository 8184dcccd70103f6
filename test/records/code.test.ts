// What a record keeps of the code: the commit, the changes that nothing private is in, the modules.
import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { chmodSync, existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Repository, removeRepositories } from '../support/git-repository.js'
import { random } from '../support/random.js'

after(removeRepositories)

describe('the code of a run', () => {
  test('outside of a repository, and before the first commit, has no commit', async () => {
    assert.equal((await new Repository({ isRepository: false }).snapshot()).git, undefined)
    assert.equal((await new Repository().snapshot()).git, undefined)
  })

  test('of a clean tree has the commit and the branch, and no patch', async () => {
    const repository = new Repository()
    repository.file('a.js', '1\n')
    repository.commit()
    const { git, patch } = await repository.snapshot()
    assert.deepEqual(git, {
      commit: repository.git('rev-parse', 'HEAD').trim(),
      branch: 'main',
      dirty: false,
    })
    assert.equal(patch, undefined)
    repository.git('checkout', '-q', '--detach')
    assert.equal((await repository.snapshot()).git.branch, undefined)
  })

  test('has a patch that gives the tree again: random changes, binary files, links, modes and names', async () => {
    const next = random(5)
    const names = ['a.js', 'b/c.js', 'b/d.bin', 'ä ö.txt', 'with "quotes"', '-dash', 'e\tf']
    for (let round = 0; round < 8; round++) {
      const repository = new Repository()
      const content = (): Buffer =>
        Buffer.from(Array.from({ length: 1 + Math.floor(next() * 200) }, () => Math.floor(next() * 256)))
      for (const name of names)
        if (next() < 0.7) repository.file(name, next() < 0.5 ? content() : `${next()}\n${next()}\n`)
      repository.file('.gitignore', 'ignored\n')
      repository.file('run.sh', 'true\n')
      symlinkSync('a.js', join(repository.folder, 'link'))
      repository.commit()
      for (const name of names) {
        const fate = next()
        if (fate < 0.3) repository.file(name, content())
        else if (fate < 0.5) rmSync(join(repository.folder, name), { force: true })
        else if (fate < 0.7) repository.file(`new ${name}`, `${next()}`)
      }
      repository.file('ignored', 'not part of it')
      chmodSync(join(repository.folder, 'run.sh'), 0o755)
      if (next() < 0.5) repository.git('add', '-A')
      const before = repository.inside()
      const { git, patch } = await repository.snapshot()
      assert.deepEqual(repository.inside(), before, 'the repository is only read')
      assert.deepEqual([git.dirty, git.left], [true, undefined])
      const clone = repository.patched(patch)
      assert.deepEqual(clone, repository.tree(), `round ${round}`)
    }
  })

  test('leaves private files out, by name, by content and as they are named, and those that are large', async () => {
    const repository = new Repository()
    repository.file('.env', 'A=1\n')
    repository.file('a.js', '1\n')
    repository.commit()
    const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    repository.file('.env', 'A=canary-1\n')
    repository.file('notes.txt', key)
    repository.file('own.conf', 'KEY = canary-2\n')
    repository.file('copy.txt', 'KEY = canary-2\n')
    repository.file('large.bin', Buffer.alloc((1 << 20) + 1, 65))
    repository.file('.flambeau/runs/x/run.json', '{}')
    repository.file('a.js', '2\n')
    const { git, patch } = await repository.snapshot([join(repository.folder, 'own.conf')])
    assert.deepEqual(git.left.sort(), [
      '.env',
      '.flambeau/runs/x/run.json',
      'copy.txt',
      'large.bin',
      'notes.txt',
      'own.conf',
    ])
    const text = patch.toString()
    assert.match(text, /a\.js/)
    assert.doesNotMatch(text, /canary|PRIVATE KEY|AAAAAAAA/)
  })

  test('runs nothing that the repository configures', async () => {
    const repository = new Repository()
    repository.file('a.js', '1\n')
    repository.file('.gitattributes', '*.js diff=own\n')
    repository.commit()
    repository.file('a.js', '2\n')
    const touched = join(repository.folder, '..', `touched-${process.pid}`)
    for (const [name, value] of Object.entries({
      'core.fsmonitor': `touch ${touched} #`,
      'diff.external': `touch ${touched} #`,
      'diff.own.command': `touch ${touched} #`,
      'diff.own.textconv': `touch ${touched} #`,
      'core.pager': `touch ${touched} #`,
      'diff.noprefix': 'true',
      'diff.mnemonicPrefix': 'true',
      'color.ui': 'always',
    }))
      repository.git('config', name, value)
    const { patch } = await repository.snapshot()
    assert.ok(!existsSync(touched))
    assert.match(patch.toString(), /^diff --git a\/a\.js b\/a\.js\n/)
  })

  test('has the modules that are imported, and those that they import, whatever that looks like', async () => {
    const repository = new Repository({ isRepository: false })
    repository.file(
      'main.js',
      `import './a.js'\nexport * from "./b/index.js"\nconst c = await import('./c.mjs')\nimport 'zod'\n`,
    )
    repository.file('a.js', `import './main.js'\nconst d = require('./d')\n`)
    repository.file('b/index.ts', `export type { E } from '../e.js'\n`)
    repository.file('c.mjs', '')
    repository.file('d.cjs', '')
    repository.file('e.ts', '')
    repository.file('unused.js', '')
    repository.file('node_modules/zod/index.js', '')
    const url = pathToFileURL(join(repository.folder, 'main.js')).href
    const { modules } = await repository.snapshot([], [url])
    assert.deepEqual(Object.keys(modules), ['a.js', 'b/index.ts', 'c.mjs', 'd.cjs', 'e.ts', 'main.js'])
    repository.file('e.ts', ' ')
    const changed = (await repository.snapshot([], [url])).modules
    assert.deepEqual(
      Object.keys(modules).filter((name) => changed[name] !== modules[name]),
      ['e.ts'],
    )
  })

  test('has modules as TypeScript and JSON name them, and the hash of their bytes', async () => {
    const project = new Repository({ isRepository: false })
    const bytes = Buffer.from('export const a = "\xe4"\n', 'latin1')
    project.file(
      'main.ts',
      `import './a.mjs'\nawait import(/* later */ './b.cjs')\nrequire('./data')\nimport '.'\n`,
    )
    for (const name of ['a.ts', 'b.ts', 'b.cts', 'index.ts', 'data.json']) project.file(name, '{}')
    project.file('a.mts', bytes)
    const url = pathToFileURL(join(project.folder, 'main.ts')).href
    const { modules } = await project.snapshot(
      [],
      [url, 'data:text/javascript,1', 'node:fs', 'file://else/where.js'],
    )
    assert.deepEqual(Object.keys(modules), ['a.mts', 'b.cts', 'data.json', 'index.ts', 'main.ts'])
    assert.equal(modules['a.mts'], createHash('sha256').update(bytes).digest('hex'))
  })

  test('is found in time, whatever a module contains', async () => {
    const project = new Repository({ isRepository: false })
    project.file(
      'main.js',
      `${'from '.repeat(200_000)}${'import ('.repeat(100_000)}from${' '.repeat(1_000_000)}x`,
    )
    const { modules } = await project.snapshot([], [pathToFileURL(join(project.folder, 'main.js')).href])
    assert.deepEqual(Object.keys(modules), ['main.js'])
  })

  test('has the versions of the packages that are installed', async () => {
    const repository = new Repository({ isRepository: false })
    repository.file(
      'package.json',
      JSON.stringify({ dependencies: { one: '^1' }, devDependencies: { '@two/three': '*', gone: '*' } }),
    )
    repository.file('node_modules/one/package.json', '{ "version": "1.2.3" }')
    repository.file('node_modules/@two/three/package.json', '{ "version": "4.5.6" }')
    assert.deepEqual((await repository.snapshot()).packages, { '@two/three': '4.5.6', one: '1.2.3' })
  })
})
