// Where the command line takes secrets from: a file, standard input, the environment, or the file in the home folder.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'

const cli = join(process.cwd(), 'dist', 'cli', 'main.js')
mkdirSync('build', { recursive: true })
const folder = mkdtempSync(join(process.cwd(), 'build', 'secrets-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const home = join(folder, 'home')
const { NO_COLOR: _, FORCE_COLOR: __, NODE_OPTIONS: ___, ...plainEnv } = process.env

interface Given {
  readonly input?: string | Buffer
  readonly env?: NodeJS.ProcessEnv
}

function flambeau(args: readonly string[], { input = '', env }: Given = {}) {
  const options = { cwd: folder, env: { ...plainEnv, HOME: home, ...env }, input, timeout: 60_000 }
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    ...options,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  })
  return { code: status, stdout, stderr }
}

const run = (flags: readonly string[], given?: Given, file = 'read.yaml') =>
  flambeau(['run', file, '--import', './tasks.mjs', ...flags], given)

function put(name: string, text: string): void {
  writeFileSync(join(folder, name), text)
}

before(() => {
  put(
    'tasks.mjs',
    `import { Runnable, registrable } from 'flambeau'
registrable('!Read')(class Read extends Runnable {
  run() {
    const names = this.config.sections()
    return Object.fromEntries(names.map((name) => [name, this.config.keys(name).map((key) => [key, this.config.get(name, key)])]))
  }
})
registrable('!Upload')(class Upload extends Runnable {
  static secrets = { AWS: ['ACCESS_KEY', 'SECRET_KEY'] }
  run() { throw new Error('refused ' + this.config.get('AWS', 'ACCESS_KEY')) }
})
`,
  )
  put('read.yaml', '!Read\n')
  put('upload.yaml', '!Upload {}\n')
  put('sweep.yaml', '!Sweep\noutput: never\nmetric: loss\neach: !Upload\n  rate: !choice [1, 2]\n')
  put('lab.yaml', `!LocalCluster\nname: lab\nfolder: ${join(folder, 'hosts')}\nsecrets: [AWS]\n`)
})

beforeEach(() => rmSync(home, { recursive: true, force: true }))

describe('--secrets -', () => {
  test('reads an INI file from standard input', () => {
    const { stdout, stderr } = run(['--secrets', '-'], { input: '[AWS]\nKEY = 100%%\n' })
    assert.deepEqual(JSON.parse(stdout), { AWS: [['key', '100%']] }, stderr)
  })

  test('reads the dialect that is named', () => {
    const { stdout } = run(['-s', '-', '--secrets-dialect', 'ini'], { input: '[A]\nKey = "a;b"\n' })
    assert.deepEqual(JSON.parse(stdout), { A: [['Key', 'a;b']] })
  })

  test('masks the values', () => {
    const input = '[AWS]\naccess_key = hunter22\nsecret_key = x\n'
    const { code, stderr } = run(['-s', '-'], { input }, 'upload.yaml')
    assert.deepEqual([code, stderr.split('\n')[0]], [1, 'The run failed: refused [secret]'])
  })

  test('is read once for a cluster and its runnable', () => {
    const input = '[AWS]\naccess_key = hunter22\nsecret_key = x\n'
    const args = ['plan', 'upload.yaml', '--import', './tasks.mjs', '-c', 'lab.yaml', '-s', '-']
    const { code, stdout, stderr } = flambeau(args, { input })
    assert.deepEqual(
      [code, stdout.trim().split('\n').at(-1)],
      [0, 'would run "upload.yaml" on orchestrator, with the secrets of [AWS]'],
      stderr,
    )
  })

  const wrong: [title: string, input: string | Buffer, message: string][] = [
    [
      'nothing',
      '',
      '"--secrets -" reads secrets from standard input, but it is empty: pipe an INI file into this command',
    ],
    [
      'invalid UTF-8',
      Buffer.from('[A]\nkey = hunter\xff\n', 'latin1'),
      'Secrets file "<stdin>" is not UTF-8: save it as UTF-8',
    ],
    [
      '10 MB',
      `[A]\n${'key = hunter2\n'.repeat(750_000)}`,
      'Secrets on standard input have more than 1 MB: pipe an INI file into this command',
    ],
    [
      'a line that is wrong',
      '[A]\nhunter2\n',
      'This line has no "=": write "key = value", or indent the line if it continues the value above\n\n  <stdin>:2:1',
    ],
  ]
  for (const [title, input, message] of wrong)
    test(`refuses ${title} without showing any of it`, () => {
      const { code, stdout, stderr } = run(['-s', '-'], { input })
      assert.deepEqual({ code, stdout, stderr }, { code: 22, stdout: '', stderr: `${message}\n` })
    })

  test('refuses a terminal, where a secret would be visible', () => {
    const command = `${process.execPath} ${cli} run read.yaml --import ./tasks.mjs -s -`
    const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      ...{ cwd: folder, env: { ...plainEnv, HOME: home }, timeout: 60_000, encoding: 'utf8' },
    })
    assert.equal(status, 22, stdout)
    assert.match(stdout, /but it is a terminal, which would show them/)
  })

  test('takes a NUL and the name "__proto__" as they are', () => {
    const { stdout } = run(['-s', '-'], { input: '[__proto__]\n__proto__ = a\0b\n' })
    assert.equal(stdout.trim().replace(/\s/g, ''), '{"__proto__":[["__proto__","a\\u0000b"]]}')
  })
})

describe('--secrets env:PREFIX_', () => {
  const source = ['--secrets', 'env:T_']

  test('takes sections and keys from variables, with values as they are', () => {
    const env = {
      T_AWS__ACCESS_KEY: '100%',
      T_Mail__A__B: 'two\nlines',
      T_OTHER: 'x',
      T___KEY: 'x',
      T_A__: 'x',
    }
    const { stdout, stderr } = run(source, { env })
    assert.deepEqual(
      JSON.parse(stdout),
      { AWS: [['access_key', '100%']], Mail: [['a__b', 'two\nlines']] },
      stderr,
    )
  })

  test('keeps the case of keys in the dialect "ini"', () => {
    const { stdout } = run([...source, '--secrets-dialect', 'ini'], { env: { T_A__Key: '1', T_A__KEY: '2' } })
    assert.deepEqual(JSON.parse(stdout), {
      A: [
        ['KEY', '2'],
        ['Key', '1'],
      ],
    })
  })

  test('refuses two variables with the same key', () => {
    const { code, stderr } = run(source, { env: { T_A__Key: 'hunter2', T_A__KEY: 'hunter3' } })
    assert.deepEqual(
      [code, stderr],
      [22, 'The variables "T_A__KEY" and "T_A__Key" have the same key: unset one of them\n'],
    )
  })

  test('refuses an empty set, and names what it looked for', () => {
    assert.equal(
      run(source).stderr,
      'The environment has no variable "T_SECTION__KEY": set one, such as "T_AWS__ACCESS_KEY"\n',
    )
    assert.match(
      run(source, { env: { T_KEY: 'hunter2' } }).stderr,
      /, and "T_KEY" does not name a section and a key: set one/,
    )
    assert.match(run(['-s', 'env:']).stderr, /need a prefix: write "env:PREFIX_"/)
  })

  test('masks the lines of a value', () => {
    const env = { T_AWS__ACCESS_KEY: 'first line\nhunter2', T_AWS__SECRET_KEY: 'abcd' }
    const { stderr } = run(source, { env }, 'upload.yaml')
    assert.doesNotMatch(stderr, /hunter2|first line/)
  })

  test('takes thousands of variables, and "__proto__" is a name like any other', () => {
    const many = Object.fromEntries(
      Array.from({ length: 5000 }, (_, index) => [`T_A__K${index}`, `${index}`]),
    )
    const { stdout, stderr } = run(source, { env: { ...many, T___proto____x: '1', T_B____proto__: '2' } })
    const read = JSON.parse(stdout || stderr)
    assert.equal(read.A.length, 5000)
    assert.deepEqual(read.B, [['__proto__', '2']])
  })
})

describe('~/.flambeau/secrets.ini', () => {
  const file = join(home, '.flambeau', 'secrets.ini')
  const write = (text: string) => {
    mkdirSync(join(home, '.flambeau'), { recursive: true })
    writeFileSync(file, text, { mode: 0o600 })
  }

  test('is read when nothing else is named, which --verbose shows', () => {
    write('[AWS]\nkey = 1\n')
    assert.deepEqual(JSON.parse(run([]).stdout), { AWS: [['key', '1']] })
    assert.equal(run([]).stderr, '')
    assert.match(run(['--verbose']).stderr, /^Secrets were read from "~\/\.flambeau\/secrets\.ini"$/m)
  })

  test('is not read with --no-secrets, or when secrets are named', () => {
    write('[AWS]\nkey = 1\n')
    assert.equal(run(['--no-secrets']).stdout.trim(), '{}')
    const { stdout } = run(['-s', '-'], { input: '[B]\nkey = 2\n' })
    assert.deepEqual(JSON.parse(stdout), { B: [['key', '2']] })
  })

  test('may be absent, even with the whole home folder', () => {
    assert.equal(run([]).stdout.trim(), '{}')
    assert.equal(run([], { env: { HOME: '/dev/null' } }).stdout.trim(), '{}')
  })

  test('is an error that names "--no-secrets" when it is wrong', () => {
    write('[AWS]\nhunter2\n')
    const { code, stderr } = run([])
    assert.equal(code, 22)
    const found =
      'This line has no "=": write "key = value", or indent the line if it continues the value above'
    const remedy = 'to run without this file, type "--no-secrets"'
    assert.equal(stderr, `${found}; ${remedy}\n\n  ~/.flambeau/secrets.ini:2:1\n`)
    assert.doesNotMatch(stderr, /hunter2/)
    rmSync(file)
    mkdirSync(file)
    assert.match(run([]).stderr, /"~\/\.flambeau\/secrets\.ini" is a folder: .*"--no-secrets"/s)
  })

  test('is read with a warning when other users can read it', () => {
    write('[AWS]\nkey = 1\n')
    chmodSync(file, 0o644)
    const { code, stderr } = run([])
    assert.deepEqual(
      [code, stderr],
      [0, 'Other users can read "~/.flambeau/secrets.ini": type "chmod 600 ~/.flambeau/secrets.ini"\n'],
    )
  })

  test('is never read by a library call', () => {
    write('[AWS]\nkey = 1\n')
    put(
      'call.mjs',
      `import './tasks.mjs'; import { runFile } from 'flambeau'; console.log(JSON.stringify((await runFile('read.yaml')).value))`,
    )
    const { stdout } = spawnSync(process.execPath, ['call.mjs'], {
      cwd: folder,
      env: { ...plainEnv, HOME: home },
      encoding: 'utf8',
    })
    assert.equal(stdout, '{}\n')
  })
})

describe('static secrets', () => {
  const lab = ['-c', 'lab.yaml']
  const commands: [title: string, args: string[]][] = [
    ['run', ['run', 'upload.yaml']],
    ['run --dry-run', ['run', 'upload.yaml', '--dry-run']],
    ['run -c', ['run', 'upload.yaml', ...lab]],
    ['plan', ['plan', 'upload.yaml', ...lab]],
  ]
  for (const [title, args] of commands)
    test(`${title} reports all that are missing, at the line of the runnable`, () => {
      const { code, stdout, stderr } = flambeau([...args, '--import', './tasks.mjs'])
      assert.deepEqual([code, stdout], [22, ''])
      const lines = '"ACCESS_KEY = ...", "SECRET_KEY = ..."'
      assert.ok(
        stderr.startsWith(
          `"!Upload" needs secrets: no secrets were given, but section "AWS" is needed: give a secrets file with a line "[AWS]" and below it lines ${lines}\n\n`,
        ),
        stderr,
      )
      assert.match(stderr, /upload\.yaml:1:1/)
    })

  test('a sweep reports those of its trials, before the first one', () => {
    const { code, stderr } = run(['-s', '-'], { input: '[AWS]\naces_key = 1\n' }, 'sweep.yaml')
    assert.equal(code, 22)
    assert.match(stderr, /^2 problems in sweep\.yaml\n/)
    assert.match(
      stderr,
      /no key "ACCESS_KEY" in section "AWS" of "<stdin>": did you mean "aces_key"\?[\s\S]*sweep\.yaml:4:7/,
    )
    assert.match(stderr, /no key "SECRET_KEY"/)
  })

  test('names the variables to set', () => {
    const { stderr } = run(['-s', 'env:T_'], { env: { T_AWS__ACCESS_KEY: 'abcd' } }, 'upload.yaml')
    assert.match(
      stderr,
      /no key "SECRET_KEY" in section "AWS" of "env:T_": set the variable "T_AWS__SECRET_KEY"/,
    )
    const other = run(['-s', 'env:T_'], { env: { T_OTHER__KEY: 'abcd' } }, 'upload.yaml')
    assert.match(
      other.stderr,
      /no section "AWS" in "env:T_": set the variables "T_AWS__ACCESS_KEY", "T_AWS__SECRET_KEY"/,
    )
  })
})
