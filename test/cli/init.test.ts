// "flambeau init": what it writes, and what keeps it from writing. That its projects work is in package/first-steps.test.ts.
import assert from 'node:assert/strict'
import { execFileSync, type SpawnSyncOptions, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { version } from 'flambeau'

const cli = resolve('dist/cli/main.js')
const template = resolve('template')
const names = ['greet.yaml', 'package.json', 'src', 'src/greet.test.ts', 'src/greet.ts', 'tsconfig.json']
const root = realpathSync(mkdtempSync(join(tmpdir(), 'flambeau-init-')))
chmodSync(root, 0o755)
after(() => rmSync(root, { recursive: true, force: true }))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(root, 'folder-'))
  chmodSync(folder, 0o755)
})

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function init(args: readonly string[], options: SpawnSyncOptions = {}): Ended {
  return ended(process.execPath, [cli, 'init', ...args], options)
}

function ended(program: string, args: readonly string[], options: SpawnSyncOptions = {}): Ended {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const all = { cwd: folder, env: { ...env, NO_COLOR: '1' }, timeout: 30_000, ...options }
  const { status, stdout, stderr } = spawnSync(program, args, { ...all, encoding: 'utf8' })
  return { code: status, stdout, stderr }
}

function refused(args: readonly string[], message: string | RegExp, options?: SpawnSyncOptions): void {
  const { code, stdout, stderr } = init(args, options)
  assert.equal(stdout, '')
  if (typeof message === 'string') assert.equal(stderr, `${message}\n`)
  else assert.match(stderr, message)
  assert.equal(code, 22)
}

const listed = (path: string) => readdirSync(path, { recursive: true, encoding: 'utf8' }).sort()
const manifestIn = (path: string) => JSON.parse(readFileSync(join(folder, path, 'package.json'), 'utf8'))

/** The dependency on flambeau in a new project "app". */
function dependencyWith(spec: string, cwd = folder, project = 'app'): string {
  const { code, stderr } = init([project, '--package', spec], { cwd })
  assert.equal(code, 0, stderr)
  return JSON.parse(readFileSync(resolve(cwd, project, 'package.json'), 'utf8')).dependencies.flambeau
}

describe('the project', () => {
  test('has the files of the template, with its own name and the version that wrote it', () => {
    assert.equal(init(['hello']).code, 0)
    assert.deepEqual(listed(join(folder, 'hello')), names)
    for (const name of names.filter((name) => name.includes('.')))
      if (name !== 'package.json')
        assert.equal(
          readFileSync(join(folder, 'hello', name), 'utf8'),
          readFileSync(join(template, name), 'utf8'),
        )
    const text = readFileSync(join(template, 'package.json'), 'utf8')
    assert.equal(
      readFileSync(join(folder, 'hello/package.json'), 'utf8'),
      text.replace('"flambeau": "*"', `"flambeau": "^${version}"`),
    )
  })

  test('may lie in the current folder, beside other files', () => {
    writeFileSync(join(folder, 'LICENSE'), 'mine')
    const { stdout } = init([])
    assert.deepEqual(listed(folder), ['LICENSE', ...names].sort())
    assert.doesNotMatch(stdout, /\bcd /)
  })

  test('may lie in folders that do not exist', () => {
    init(['a/b/c'])
    assert.deepEqual(listed(join(folder, 'a/b/c')), names)
  })

  test('has a name that npm allows', () => {
    const expected: Record<string, string> = {
      'My App': 'my-app',
      '.hidden_': 'hidden_',
      'ünï/日本': 'flambeau-project',
      flambeau: 'flambeau-project',
      tsx: 'tsx-project',
      'a@b#c%20d': 'a-b-c-20d',
    }
    for (const [path, name] of Object.entries(expected)) {
      init([path])
      assert.equal(manifestIn(path).name, name)
    }
    const long = 'x'.repeat(240)
    init([long])
    assert.ok(manifestIn(long).name.length <= 214)
  })

  test('is reached by the printed "cd", whatever its name', () => {
    for (const name of ["it's", 'a b', '$HOME', '-x', '~', '`id`', 'a"b', '!x']) {
      const { stdout } = init(['--', name])
      const [, cd = ''] = /^ {2}(cd .*)$/m.exec(stdout) ?? []
      const path = execFileSync('bash', ['-c', `${cd} && pwd`], { cwd: folder, encoding: 'utf8' })
      assert.equal(path, `${join(folder, name)}\n`)
    }
  })
})

describe('--package', () => {
  test('takes versions, tags, URLs and repositories as npm does', () => {
    const specs = [
      '1.2.3',
      '^1.2.3',
      '>=1 <3',
      'latest',
      'https://example.com/a%20b.tgz',
      'git+ssh://git@example.com/a.git#v1',
      'github:ada/flambeau',
      'ada/flambeau',
      'npm:other@1',
    ]
    for (const [at, spec] of specs.entries()) assert.equal(dependencyWith(spec, folder, `p${at}`), spec)
  })

  test('takes what npx takes: the name with a version', () => {
    assert.equal(dependencyWith('flambeau@1.2.3'), '1.2.3')
  })

  test('keeps an absolute path, and makes a relative one start at the project', () => {
    const tarball = join(folder, 'a b#1.tgz')
    writeFileSync(tarball, '')
    mkdirSync(join(folder, 'in/side'), { recursive: true })
    const inside = join(folder, 'in')
    assert.equal(dependencyWith(tarball, folder, 'p1'), `file:${tarball}`)
    assert.equal(dependencyWith(`file:${tarball}`, folder, 'p2'), `file:${tarball}`)
    assert.equal(
      dependencyWith(`file://${tarball.replace(/[ #]/g, encodeURIComponent)}`, folder, 'p3'),
      `file:${tarball}`,
    )
    assert.equal(dependencyWith('a b#1.tgz', folder, 'p4'), 'file:../a b#1.tgz')
    assert.equal(dependencyWith('./a b#1.tgz', folder, 'p5/q'), 'file:../../a b#1.tgz')
    assert.equal(dependencyWith('file:../a b#1.tgz', inside, 'p6'), 'file:../../a b#1.tgz')
    assert.equal(dependencyWith('..', inside, '../p7'), 'file:..')
  })

  test('makes it relative to where the project really lies', () => {
    mkdirSync(join(folder, 'real/deep'), { recursive: true })
    symlinkSync(join(folder, 'real/deep'), join(folder, 'link'))
    writeFileSync(join(folder, 'x.tgz'), '')
    assert.equal(dependencyWith('./x.tgz', folder, 'link/app'), 'file:../../../x.tgz')
  })

  test('refuses what does not exist, and writes nothing', () => {
    refused(['app', '--package', './none.tgz'], '"./none.tgz" does not exist: check "--package"')
    assert.deepEqual(listed(folder), [])
  })

  test('refuses what is none of these', () => {
    for (const spec of ['flambeau', '@ada/flambeau@1', 'a b/c', ''])
      refused(['app', '--package', spec], /^".*" does not say where flambeau comes from: /)
    assert.deepEqual(listed(folder), [])
  })
})

describe('nothing is overwritten', () => {
  test('each file in the way is named, and none is written', () => {
    mkdirSync(join(folder, 'app/src'), { recursive: true })
    writeFileSync(join(folder, 'app/package.json'), '{ "name": "mine" }')
    writeFileSync(join(folder, 'app/src/greet.ts'), 'mine')
    refused(
      ['app'],
      '"package.json", "src/greet.ts" exist in "app", and "flambeau init" overwrites nothing: name a new folder, as in "flambeau init hello", or type "npm install flambeau" to use it in the project that is there',
    )
    assert.deepEqual(listed(join(folder, 'app')), ['package.json', 'src', 'src/greet.ts'])
    assert.deepEqual(manifestIn('app'), { name: 'mine' })
  })

  test('a second time is refused', () => {
    init([])
    refused([], /^"package\.json", "tsconfig\.json", .* exist in the current folder, /)
  })

  test('a link that leads nowhere is in the way, too', () => {
    symlinkSync('elsewhere', join(folder, 'greet.yaml'))
    refused([], /^"greet\.yaml" exists in the current folder, /)
    assert.ok(!existsSync(join(folder, 'elsewhere')))
  })
})

describe('what cannot be written', () => {
  test('a folder that is a file, or lies in one', () => {
    writeFileSync(join(folder, 'file'), '')
    const message = `"${join(folder, 'file')}" cannot be created, and nothing was written: a file has this name: name another folder`
    refused(['file'], message)
    refused(['file/below'], message)
  })

  test('what was created is removed when the rest cannot be', () => {
    writeFileSync(join(folder, 'src'), '')
    refused([], /src" cannot be created, and nothing was written: a file has this name/)
    assert.deepEqual(listed(folder), ['src'])
  })

  test('a folder that belongs to another', () => {
    const theirs = join(folder, 'theirs')
    mkdirSync(theirs, { mode: 0o555 })
    const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
    const message = /cannot be created, and nothing was written: you have no permission to write there: name/
    refused(['theirs'], message, nobody)
    refused(['theirs/new'], message, nobody)
    assert.deepEqual(listed(theirs), [])
  })

  test('a disk without space', (context) => {
    const mounted = (script: string) =>
      ended('unshare', [
        '--mount',
        'sh',
        '-c',
        `mount -t tmpfs -o size=8k,mode=777 none . && cd "$PWD" && ${script}`,
      ])
    if (mounted('true').code !== 0) return context.skip('needs root and mount namespaces')
    const { stderr, stdout } = mounted(`"${process.execPath}" "${cli}" init app; echo $?; ls -A`)
    assert.match(
      stderr,
      /cannot be created, and nothing was written: no space is left on its disk: free some/,
    )
    assert.equal(stdout, '22\n')
  })
})

test('"flambeau init --help" explains it', () => {
  const { code, stdout } = init(['--help'])
  assert.equal(code, 0)
  assert.match(stdout, /flambeau init hello/)
  assert.match(stdout, /--package <spec>/)
})
