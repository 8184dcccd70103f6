// What a record keeps of the code: the commit, the changes that nothing private is in, the modules.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { random } from '../support/random.js'

// Not public: what `run.json` has of it is.
const { snapshotCode } = (await import(join(process.cwd(), 'build/js/records/code.js'))) as {
  snapshotCode(source: {
    folder: string
    modules: readonly string[]
    privateFiles: readonly string[]
  }): Promise<any>
}

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

class Repository {
  readonly folder = mkdtempSync(join(tmpdir(), 'flambeau-code-'))

  constructor(isRepository = true) {
    folders.push(this.folder)
    if (isRepository) this.git('init', '-q', '-b', 'main')
  }

  git(...args: string[]): string {
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false']
    return execFileSync('git', [...identity, ...args], { cwd: this.folder, encoding: 'utf8' })
  }

  file(name: string, content: string | Buffer): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true })
    writeFileSync(join(this.folder, name), content)
  }

  commit(): void {
    this.git('add', '-A')
    this.git('commit', '-qm', 'change', '--allow-empty')
  }

  snapshot(privateFiles: readonly string[] = [], modules: readonly string[] = []): Promise<any> {
    return snapshotCode({ folder: this.folder, modules, privateFiles })
  }

  /** Every file of the repository itself, so that nothing in it changes. */
  inside(): Record<string, string> {
    const root = join(this.folder, '.git')
    const names = readdirSync(root, {
      recursive: true,
      encoding: 'utf8',
      withFileTypes: true,
    } as never) as any[]
    const files = names
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    return Object.fromEntries(files.map((path) => [path, readFileSync(path, 'base64')]))
  }

  /** The files of the work tree, with what tells them apart. */
  tree(): Record<string, string> {
    const listed = this.git('ls-files', '-z', '--cached', '--others', '--exclude-standard')
      .split('\0')
      .filter(Boolean)
    const present = [...new Set(listed)].filter((name) => existsSync(join(this.folder, name)))
    return Object.fromEntries(
      present.sort().map((name) => [name, readFileSync(join(this.folder, name), 'base64')]),
    )
  }

  /** The work tree of a clone to which a patch was applied. */
  patched(patch: Buffer | undefined): Record<string, string> {
    const clone = new Repository(false)
    execFileSync('git', ['clone', '-q', this.folder, clone.folder])
    if (patch) execFileSync('git', ['apply', '-'], { cwd: clone.folder, input: patch })
    return clone.tree()
  }
}

describe('the code of a run', () => {
  test('outside of a repository, and before the first commit, has no commit', async () => {
    assert.equal((await new Repository(false).snapshot()).git, undefined)
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
    const repository = new Repository(false)
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

  test('has the versions of the packages that are installed', async () => {
    const repository = new Repository(false)
    repository.file(
      'package.json',
      JSON.stringify({ dependencies: { one: '^1' }, devDependencies: { '@two/three': '*', gone: '*' } }),
    )
    repository.file('node_modules/one/package.json', '{ "version": "1.2.3" }')
    repository.file('node_modules/@two/three/package.json', '{ "version": "4.5.6" }')
    assert.deepEqual((await repository.snapshot()).packages, { '@two/three': '4.5.6', one: '1.2.3' })
  })
})
