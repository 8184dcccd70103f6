// The patch of a record, in repositories that make it hard: what is in it, what must not be, and that nothing else happens.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { Repository, removeRepositories } from '../support/git-repository.js'
import { random } from '../support/random.js'

after(removeRepositories)

const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

/** A repository with one commit, in which "a.js" has changed since. */
function changedRepository(options = {}): Repository {
  const repository = new Repository(options)
  repository.file('a.js', '1\n')
  repository.file('.gitignore', 'ignored\n')
  repository.commit()
  repository.file('a.js', '2\n')
  return repository
}

function filesIn(patch: Buffer | undefined): string[] {
  return (
    patch
      ?.toString()
      .match(/^diff --git .*$/gm)
      ?.map((line) => line.split(' b/')[1]!) ?? []
  )
}

/** Sets variables of this process for one call. */
async function withVariables<T>(variables: Record<string, string>, call: () => Promise<T>): Promise<T> {
  const before = { ...process.env }
  Object.assign(process.env, variables)
  try {
    return await call()
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

describe('the patch of a record', () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

  test(`gives the tree again, whatever becomes files, folders and links (FUZZ_SEED=${seed})`, async () => {
    const next = random(seed)
    const names = ['a', 'a/b', 'a/b/c', 'd', 'd/e f', 'd/ä"\\n', 'g/\ttab', 'h.bin', '-i', 'j b/k']
    const pick = <T>(items: readonly T[]): T => items[Math.floor(next() * items.length)]!
    const contents = [
      '',
      'one\ntwo\n',
      'no end',
      '\r\rdiff --git a/x b/x\r\n',
      '\0\x01\xff',
      '# text\n'.repeat(50),
    ]
    const edit = (repository: Repository): void => {
      const name = pick(names)
      // Folders take the place of files, and the reverse.
      const parents = name.split('/').map((_, index, parts) => parts.slice(0, index).join('/'))
      for (const parent of parents.filter(Boolean))
        if (repository.kindOf(parent) !== 'folder') repository.remove(parent)
      repository.remove(name)
      const fate = next()
      if (fate < 0.2) return
      repository.file(name, Buffer.from(`${pick(contents)}${next() < 0.5 ? next() : ''}`, 'latin1'))
      if (fate < 0.35) chmodSync(join(repository.folder, name), 0o755)
      if (fate < 0.85) return
      repository.remove(name)
      symlinkSync(pick(names), join(repository.folder, name))
    }
    for (let round = 0; round < 12; round++) {
      const repository = new Repository()
      for (let count = 0; count < 6; count++) edit(repository)
      repository.commit()
      for (let count = 0; count < 5; count++) edit(repository)
      if (next() < 0.3) repository.git('add', '-A')
      if (next() < 0.3) edit(repository)
      const before = repository.inside()
      const { git, patch } = await repository.snapshot()
      assert.deepEqual(repository.inside(), before, 'the repository is only read')
      assert.equal(git.left, undefined)
      assert.deepEqual(repository.patched(patch), repository.tree(), `round ${round}`)
    }
  })

  test('has no private or ignored file of a folder that was a file', async () => {
    const repository = changedRepository()
    repository.file('data', '1\n')
    repository.commit()
    repository.remove('data')
    repository.file('data/.env', 'KEY=canary\n')
    repository.file('data/ignored', 'canary\n')
    repository.file('data/kept', 'kept\n')
    const { git, patch } = await repository.snapshot()
    assert.deepEqual(git.left, ['data/.env'])
    assert.deepEqual(filesIn(patch), ['data', 'data/kept'])
    assert.doesNotMatch(patch.toString(), /canary/)
  })

  test('has no private key that was removed, and no secrets file that was', async () => {
    const repository = changedRepository()
    repository.file('gone.txt', key)
    repository.file('changed.txt', `hello\n${key}`)
    repository.file('own.conf', 'KEY = canary\n')
    repository.file('with "quotes" ä.txt', key)
    repository.commit()
    for (const name of ['gone.txt', 'own.conf', 'with "quotes" ä.txt']) repository.remove(name)
    repository.file('changed.txt', 'hello\n')
    repository.file('a.js', '3\n')
    const { git, patch } = await repository.snapshot([join(repository.folder, 'own.conf')])
    assert.deepEqual([...git.left].sort(), ['changed.txt', 'gone.txt', 'own.conf', 'with "quotes" ä.txt'])
    assert.deepEqual(filesIn(patch), ['a.js'])
    assert.doesNotMatch(patch.toString(), /canary|PRIVATE KEY/)
  })

  test('leaves out other repositories, what is no file, and what cannot be read, and names them', async () => {
    const repository = changedRepository()
    repository.file('was-file', '1\n')
    repository.commit()
    for (const name of ['empty', 'other']) {
      mkdirSync(join(repository.folder, name))
      repository.gitIn(name, 'init', '-q')
    }
    repository.file('other/x', '1\n')
    repository.gitIn('other', 'add', '.')
    repository.gitIn('other', 'commit', '-qm', 'x')
    repository.remove('was-file')
    execFileSync('mkfifo', [join(repository.folder, 'was-file')])
    repository.file('a.js', '3\n')
    const { git, patch } = await repository.snapshot()
    assert.deepEqual([...git.left].sort(), ['empty/', 'other/', 'was-file'])
    assert.deepEqual(filesIn(patch), ['a.js'])
  })

  test('names a submodule with changes of its own, and has its new commit', async () => {
    const library = changedRepository()
    library.commit()
    const repository = changedRepository()
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library.folder, 'lib')
    repository.commit()
    assert.deepEqual((await repository.snapshot()).git.dirty, false)
    repository.gitIn('lib', 'config', 'core.fsmonitor', `touch ${repository.folder}/ran #`)
    repository.gitIn('lib', 'config', 'filter.own.clean', `touch ${repository.folder}/ran; cat`)
    repository.file('lib/.gitattributes', '* filter=own\n')
    repository.file('lib/a.js', '3\n')
    const { git, patch } = await repository.snapshot()
    assert.deepEqual([git.dirty, git.left, patch], [true, ['lib/'], undefined])
    assert.ok(!existsSync(join(repository.folder, 'ran')), 'nothing that the submodule configures runs')
    for (const name of ['core.fsmonitor', 'filter.own.clean'])
      repository.gitIn('lib', 'config', '--unset', name)
    repository.gitIn('lib', 'add', '-A')
    repository.gitIn('lib', 'commit', '-qm', 'own')
    const later = await repository.snapshot()
    assert.equal(later.git.left, undefined)
    assert.match(later.patch.toString(), /^\+Subproject commit [0-9a-f]{40}$/m)
    repository.git('submodule', '--quiet', 'deinit', '-f', 'lib')
    assert.equal((await repository.snapshot()).git.dirty, false)
  })

  test('is made without filters, hooks and drivers, also where a filter is required', async () => {
    const repository = changedRepository()
    repository.file('.gitattributes', '*.js filter=own diff=own merge=own\n')
    repository.commit()
    repository.file('a.js', '4\n')
    const touched = join(repository.folder, 'ignored')
    for (const [name, value] of Object.entries({
      'filter.own.clean': `touch ${touched}; false`,
      'filter.own.process': `touch ${touched}; false`,
      'filter.own.smudge': `touch ${touched}; false`,
      'filter.own.required': 'true',
      'diff.own.command': `touch ${touched}`,
      'diff.own.textconv': `touch ${touched}; cat`,
      'diff.external': `touch ${touched}`,
      'core.fsmonitor': `touch ${touched} #`,
      'core.pager': `touch ${touched}`,
    }))
      repository.git('config', name, value)
    for (const hook of ['post-index-change', 'fsmonitor-watchman', 'pre-commit']) {
      repository.file(`.git/hooks/${hook}`, `#!/bin/sh\ntouch ${touched}\n`)
      chmodSync(join(repository.folder, '.git/hooks', hook), 0o755)
    }
    const variables = { GIT_EXTERNAL_DIFF: `touch ${touched}`, GIT_PAGER: `touch ${touched}` }
    const { git, patch } = await withVariables(variables, () => repository.snapshot())
    assert.ok(!existsSync(touched))
    assert.equal(git.left, undefined)
    assert.deepEqual(filesIn(patch), ['a.js'])
  })

  test('of a repository with a split index, or line ends to check, needs nothing in it', async () => {
    const repository = changedRepository()
    repository.file('.gitattributes', '*.txt text\n')
    repository.file('b.txt', '1\r\n2\r\n')
    repository.commit()
    repository.git('config', 'core.splitIndex', 'true')
    repository.git('config', 'core.safecrlf', 'true')
    repository.file('b.txt', '2\r\n1\r\n')
    const before = readdirSync(join(repository.folder, '.git')).sort()
    const { git, patch } = await repository.snapshot()
    assert.deepEqual(readdirSync(join(repository.folder, '.git')).sort(), before)
    assert.deepEqual([git.left, filesIn(patch)], [undefined, ['b.txt']])
  })

  test('is absent where only line ends differ that git converts', async () => {
    const repository = changedRepository()
    repository.commit()
    repository.git('config', 'core.autocrlf', 'true')
    repository.file('a.js', '2\r\n')
    repository.git('add', '-A')
    const later = new Date(Date.now() + 5000)
    utimesSync(join(repository.folder, 'a.js'), later, later)
    const { git, patch } = await repository.snapshot()
    assert.deepEqual([git.dirty, patch], [false, undefined])
  })

  test('is that of the project, whatever repository a hook of git has named', async () => {
    const repository = changedRepository()
    const other = new Repository()
    other.commit()
    const variables = {
      GIT_DIR: join(other.folder, '.git'),
      GIT_INDEX_FILE: join(other.folder, '.git/index'),
    }
    const { git, patch } = await withVariables(variables, () => repository.snapshot())
    assert.equal(git.commit, repository.git('rev-parse', 'HEAD').trim())
    assert.deepEqual(filesIn(patch), ['a.js'])
  })

  test('is made in a folder of any name, in one below the top, and in another work tree', async () => {
    const named = changedRepository({ prefix: `flam:b"e\\au\n ä${delimiter}-` })
    assert.deepEqual(filesIn((await named.snapshot()).patch), ['a.js'])
    const { git, patch } = await named.snapshot([], [])
    assert.deepEqual([git.branch, git.left, filesIn(patch)], ['main', undefined, ['a.js']])
    named.git('worktree', 'add', '-q', '-b', 'side/branch', 'tree')
    named.file('tree/new/b.js', '1\n')
    const side = Object.create(named, { folder: { value: join(named.folder, 'tree/new') } }) as Repository
    const state = await side.snapshot()
    assert.deepEqual([state.git.branch, filesIn(state.patch)], ['side/branch', ['new/b.js']])
  })

  test('has the first of very many files, and counts the others', async () => {
    const repository = changedRepository()
    for (let count = 0; count < 2100; count++) repository.file(`data/${count}`, `${count}`)
    const { git, patch } = await repository.snapshot()
    const files = filesIn(patch)
    assert.ok(files.includes('a.js'))
    assert.equal(git.left.length, 1000)
    assert.equal(files.length + git.left.length + git.leftMore, 2101)
  })

  test('is absent when git fails, and the run has no commit when git is not there', async () => {
    const repository = changedRepository()
    const programs = new Repository({ isRepository: false })
    const path = (text: string): Record<string, string> => {
      writeFileSync(join(programs.folder, 'git'), `#!/bin/sh\n${text}`, { mode: 0o755 })
      return { PATH: `${programs.folder}${delimiter}${process.env['PATH']}` }
    }
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
    const without = (word: string): string => `case "$*" in *"${word}"*) exit 3;; esac\nexec ${real} "$@"\n`
    const unlisted = await withVariables(path(without(' status ')), () => repository.snapshot())
    assert.deepEqual([unlisted.git.dirty, unlisted.git.left], [true, ['.']])
    const unmade = await withVariables(path(without('diff-index')), () => repository.snapshot())
    assert.deepEqual([unmade.git.left, unmade.patch], [['a.js'], undefined])
    const none = await withVariables({ PATH: programs.folder }, () => {
      rmSync(join(programs.folder, 'git'))
      return repository.snapshot()
    })
    assert.equal(none.git, undefined)
  })
})
