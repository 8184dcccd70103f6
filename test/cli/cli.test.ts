import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { type Problem, version } from 'flambeau'
import { until } from '../support/until.js'

const cli = join(process.cwd(), 'dist', 'cli', 'main.js')

// Inside the package, so that what is imported from here finds "flambeau" by its name.
mkdirSync('build', { recursive: true })
const folder = mkdtempSync(join(process.cwd(), 'build', 'cli-'))
after(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

const { NO_COLOR: _, FORCE_COLOR: __, NODE_OPTIONS: ___, ...plainEnv } = process.env

/** A process of the command line, in the folder of this file. */
class Flambeau {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  #stdout = ''
  #stderr = ''
  readonly ended: Promise<Ended>

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#child = spawn(process.execPath, [cli, ...args], {
      cwd: folder,
      env: { ...plainEnv, HOME: join(folder, 'home'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 30_000,
      killSignal: 'SIGKILL',
    })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    this.ended = once(this.#child, 'close').then(([code]) => ({
      code,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }))
  }

  /** Waits until it has said `text` on standard error. */
  said(text: string): Promise<void> {
    return until(() => this.#stderr.includes(text), `"flambeau" says "${text}"`)
  }

  interrupt(name: NodeJS.Signals = 'SIGINT'): void {
    assert.ok(this.#child.kill(name), 'it has ended already')
  }
}

function flambeau(...args: string[]): Promise<Ended> {
  return new Flambeau(args).ended
}

/** `flambeau run FILE --import tasks.mjs ...`, of a file with this text. */
function run(text: string, ...flags: string[]): Promise<Ended> {
  return flambeau('run', fileOf(text), '--import', './tasks.mjs', ...flags)
}

let files = 0
function fileOf(text: string, name = `file-${++files}.yaml`): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return name
}

const stackLine = /^\s+at /m
const escapeCharacter = '\u001b'

function assertMistake({ code, stdout, stderr }: Ended, message: RegExp): void {
  assert.equal(code, 22, stderr)
  assert.match(stderr, message)
  assert.doesNotMatch(stderr, stackLine)
  assert.equal(stdout, '')
}

before(() => {
  fileOf(
    `
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Runnable, registrable, UnsuccessfulRunnableError, ParsingRunnableError } from 'flambeau'

registrable('!Say', { description: 'Says what it is told', factories: ['twice'] })(
  class Say extends Runnable {
    static twice({ text }) { return new this({ text: text + text }) }
    constructor(options = {}) { super(options); this.options = options }
    parse() { if (this.options.text === 42) throw new ParsingRunnableError('"text" must not be 42') }
    run({ logger }) { logger.info('saying it'); logger.debug('with all details'); return this.options.text }
  },
)

registrable('!Give')(
  class Give extends Runnable {
    constructor({ what }) { super({ what }); this.what = what }
    run() {
      const cycle = { cycle: true }
      cycle.self = cycle
      return { data: { a: [1, 2] }, null: null, number: 1.5, cycle, bigint: 12345678901234567890n }[this.what]
    }
  },
)

registrable('!Flags')(class Flags extends Runnable {
  run({ force, verbose, debug }) { return { force, verbose, debug } }
})

registrable('!Secret')(class Secret extends Runnable {
  run() { return this.config.get('AWS', 'ACCESS_KEY') }
})

registrable('!Fail')(class Fail extends Runnable {
  constructor({ exitCode }) { super({ exitCode }); this.exitCode = exitCode }
  run() {
    if (this.exitCode === undefined) throw new TypeError('oops')
    throw new UnsuccessfulRunnableError('It did not work', { exitCode: this.exitCode })
  }
})

registrable('!Loud')(class Loud extends Runnable {
  constructor() { super({}); console.log('constructed') }
  run() { console.log('ran') }
})

registrable('!Wait')(class Wait extends Runnable {
  async run({ signal, logger }) {
    logger.info('waiting')
    try {
      await delay(60_000, undefined, { signal })
    } finally {
      await delay(50)
      logger.info('cleaned up')
    }
  }
})

registrable('!Stubborn')(class Stubborn extends Runnable {
  async run({ logger }) {
    logger.info('waiting')
    while (!existsSync('go-on')) await delay(20)
    logger.info('going on')
    await delay(60_000)
  }
})

registrable('!Polite')(class Polite extends Runnable {
  async run({ signal, logger }) {
    logger.info('waiting')
    await delay(60_000, undefined, { signal }).catch(() => logger.info('ended early'))
    return 'half of it'
  }
})

registrable('!Old', { deprecated: 'use !Say' })(class Old extends Runnable {
  run() { return 'still here' }
})

registrable('!Never')(class Never extends Runnable {
  run() { return new Promise(() => {}) }
})
`,
    'tasks.mjs',
  )
})

describe('flambeau', () => {
  test('--version prints the version', async () => {
    assert.deepEqual(await flambeau('--version'), { code: 0, stdout: `${version}\n`, stderr: '' })
  })

  test('--help names every command', async () => {
    const { code, stdout } = await flambeau('--help')
    assert.equal(code, 0)
    for (const command of ['run', 'check', 'tags'])
      assert.match(stdout, new RegExp(`^ {2}${command}\\b`, 'm'))
  })

  test('run --help names every option', async () => {
    const { code, stdout } = await flambeau('run', '--help')
    assert.equal(code, 0)
    for (const option of ['secrets', 'import', 'force', 'verbose', 'debug', 'dry-run'])
      assert.match(stdout, new RegExp(`--${option}\\b`))
  })

  test('without a command shows the help and fails', async () => {
    const { code, stdout, stderr } = await flambeau()
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /Usage: flambeau/)
  })

  test('suggests the command that was meant', async () => {
    const { code, stdout, stderr } = await flambeau('rum', 'file.yaml')
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /unknown command 'rum'/)
    assert.match(stderr, /Did you mean run\?/)
    assert.doesNotMatch(stderr, stackLine)
  })

  test('says how to run a file that stands in place of a command', async () => {
    for (const name of ['train.yaml', 'no such.yml']) {
      const { code, stderr } = await flambeau(name)
      assert.equal(code, 1)
      const word = name.includes(' ') ? `'${name}'` : name
      assert.ok(
        stderr.includes(`"${name}" is a file, not a command: to run it, type "flambeau run ${word}"`),
        stderr,
      )
      assert.doesNotMatch(stderr, stackLine)
    }
  })

  test('suggests the option that was meant', async () => {
    const { code, stderr } = await flambeau('run', 'file.yaml', '--dry-rum')
    assert.equal(code, 1)
    assert.match(stderr, /unknown option '--dry-rum'/)
    assert.match(stderr, /Did you mean --dry-run\?/)
    assert.doesNotMatch(stderr, stackLine)
  })

  test('says which argument is missing', async () => {
    const { code, stderr } = await flambeau('run')
    assert.equal(code, 1)
    assert.match(stderr, /missing required argument 'file'/)
  })
})

describe('flambeau run', () => {
  test('prints the result on standard output, and progress on standard error', async () => {
    const ended = await run('!Say { text: hello }')
    assert.deepEqual([ended.code, ended.stdout], [0, 'hello\n'])
    assert.match(ended.stderr, /^\d\d:\d\d:\d\d info {2}saying it\n$/)
  })

  test('prints data as JSON', async () => {
    const { stdout } = await run('!Give { what: data }')
    assert.deepEqual(JSON.parse(stdout), { a: [1, 2] })
  })

  test('prints null and numbers', async () => {
    assert.equal((await run('!Give { what: "null" }')).stdout, 'null\n')
    assert.equal((await run('!Give { what: number }')).stdout, '1.5\n')
  })

  test('prints nothing for a run without a result', async () => {
    const { code, stdout } = await run('!Say {}')
    assert.deepEqual([code, stdout], [0, ''])
  })

  for (const [what, shown] of Object.entries({ cycle: /cycle/, bigint: /^12345678901234567890/ }))
    test(`a run has not failed because JSON cannot hold its result: ${what}`, async () => {
      const { code, stdout, stderr } = await run(`!Give { what: ${what} }`)
      assert.equal(code, 0, stderr)
      assert.match(stdout, shown)
    })

  test('shows details when it is verbose, and only then', async () => {
    assert.doesNotMatch((await run('!Say { text: a }')).stderr, /with all details/)
    assert.match((await run('!Say { text: a }', '--verbose')).stderr, /with all details/)
    assert.match((await run('!Say { text: a }', '-v')).stderr, /with all details/)
  })

  test('tells run what the flags are', async () => {
    const flags = async (...given: string[]) => JSON.parse((await run('!Flags', ...given)).stdout)
    assert.deepEqual(await flags(), { force: false, verbose: false, debug: false })
    assert.deepEqual(await flags('--force'), { force: true, verbose: false, debug: false })
    assert.deepEqual(await flags('--verbose'), { force: false, verbose: true, debug: false })
    assert.deepEqual(await flags('--debug'), { force: false, verbose: false, debug: true })
    assert.deepEqual(await flags('--force', '-v', '-d'), { force: true, verbose: true, debug: true })
  })

  test('--dry-run constructs and stops before run', async () => {
    const { code, stdout, stderr } = await run('!Loud', '--dry-run')
    assert.equal(code, 0)
    assert.equal(stdout, 'constructed\n')
    assert.match(stderr, /ready to run/)
  })

  test('--dry-run finds what parse finds', async () => {
    assertMistake(await run('!Say { text: 42 }', '--dry-run'), /^"text" must not be 42$/m)
  })

  test('--secrets gives the runnable its secrets', async () => {
    const secrets = fileOf('[AWS]\nACCESS_KEY = abc#1 ; no comment\n', 'secrets.ini')
    assert.equal((await run('!Secret', '--secrets', secrets)).stdout, 'abc#1 ; no comment\n')
  })

  test('without --secrets a secret that is asked for is missing', async () => {
    assertMistake(await run('!Secret'), /"AWS"/)
  })

  test('--secrets of a file that is missing is a mistake', async () => {
    assertMistake(await run('!Secret', '--secrets', 'nowhere.ini'), /nowhere\.ini/)
  })

  test('--secrets of a file that is wrong is a mistake at its line', async () => {
    const secrets = fileOf('[AWS]\nkey = a\nkey = b\n', 'twice.ini')
    assertMistake(await run('!Secret', '--secrets', secrets), /twice\.ini:3/)
  })

  test('--secrets-dialect says how they are read', async () => {
    const secrets = fileOf('[AWS]\nACCESS_KEY = "abc # d"\n', 'quoted.ini')
    const { stdout } = await run('!Secret', '--secrets', secrets, '--secrets-dialect', 'ini')
    assert.equal(stdout, 'abc # d\n')
  })
})

describe('flambeau run of a deprecated tag', () => {
  test('warns once on standard error and runs it all the same', async () => {
    const { code, stdout, stderr } = await run('!Old {}')
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'still here\n' })
    assert.equal(stderr.match(/use !Say/g)?.length, 1, stderr)
    assert.doesNotMatch(stderr, stackLine)
  })
})

describe('flambeau run of a mistake', () => {
  test('shows message, place and frame, and no stack', async () => {
    const text = fileOf('!Say\ntext: !Sya {}\n', 'mistake.yaml')
    const ended = await flambeau('run', text, '--import', './tasks.mjs')
    assertMistake(ended, /^Unknown tag "!Sya": did you mean "!Say"\?$/m)
    assert.match(ended.stderr, /^ {2}mistake\.yaml:2:7$/m)
    assert.match(ended.stderr, /^ {2}2 \| text: !Sya \{\}$/m)
    assert.match(ended.stderr, /^ {4}\| {7}\^{4}$/m)
  })

  test('shows the stack with --debug', async () => {
    const { code, stderr } = await run('!Sya', '--debug')
    assert.equal(code, 22)
    assert.match(stderr, /Unknown tag "!Sya"/)
    assert.match(stderr, stackLine)
  })

  test('names the file that is missing, and the one that was meant', async () => {
    fileOf('!Say', 'training.yaml')
    assertMistake(await flambeau('run', 'trainign.yaml'), /"trainign\.yaml": did you mean "training\.yaml"\?/)
  })

  test('tells of an empty file, a folder and a top node that is none', async () => {
    assertMistake(await run(''), /is empty/)
    assertMistake(await flambeau('run', '.'), /is a folder/)
    assertMistake(await run('text: hello'), /runnable/)
  })
})

describe('flambeau run exits with', () => {
  test('1 and a stack when the run crashes', async () => {
    const { code, stdout, stderr } = await run('!Fail {}')
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /oops/)
    assert.match(stderr, /at .*tasks\.mjs/)
  })

  test('the code that the run chooses, without a stack', async () => {
    const { code, stdout, stderr } = await run('!Fail { exitCode: 7 }')
    assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: '', stderr: 'It did not work\n' })
  })

  test('no success when the run has failed, whatever code it chooses', async () => {
    for (const exitCode of [0, 256]) assert.notEqual((await run(`!Fail { exitCode: ${exitCode} }`)).code, 0)
  })

  test('no success when the run never ended, and says so', async () => {
    const { code, stdout, stderr } = await run('!Never')
    assert.equal(stdout, '')
    assert.notEqual(code, 0)
    assert.notEqual(stderr, '')
  })
})

describe('flambeau --import', () => {
  // A package in node_modules is none of ours: it finds "flambeau" beside itself, as everywhere.
  before(() => {
    mkdirSync(join(folder, 'node_modules'), { recursive: true })
    symlinkSync(process.cwd(), join(folder, 'node_modules', 'flambeau'), 'junction')
  })

  const using = (module: string, tag = '!Imported') => flambeau('run', fileOf(`${tag}\n`), '--import', module)

  function moduleOf(name: string, tag = '!Imported'): string {
    const text = `
import { Runnable, registrable } from 'flambeau'
registrable('${tag}')(class extends Runnable { run() { return '${tag} of ${name}' } })
`
    return fileOf(text, name)
  }

  test('takes a path from the current folder, with or without "./"', async () => {
    const path = moduleOf('sub/by-path.mjs')
    for (const module of [path, `./${path}`, join(folder, path)])
      assert.equal((await using(module)).stdout, '!Imported of sub/by-path.mjs\n', module)
  })

  test('may be given several times', async () => {
    const modules = [moduleOf('one.mjs', '!One'), moduleOf('two.mjs', '!Two')]
    const imports = modules.flatMap((module) => ['--import', `./${module}`])
    for (const tag of ['!One', '!Two']) {
      const { stdout } = await flambeau('run', fileOf(tag), ...imports)
      assert.match(stdout, new RegExp(`^${tag} of `))
    }
  })

  test('takes an installed package', async () => {
    moduleOf('node_modules/tasks-for-all/index.mjs')
    fileOf('{ "name": "tasks-for-all", "main": "./index.mjs" }', 'node_modules/tasks-for-all/package.json')
    const { code, stdout, stderr } = await using('tasks-for-all')
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '!Imported of node_modules/tasks-for-all/index.mjs\n')
  })

  test('takes an installed package that is for "import" only, as most are', async () => {
    moduleOf('node_modules/@my/tasks/index.mjs')
    const exports = { '.': { types: './index.d.ts', import: './index.mjs' } }
    fileOf(JSON.stringify({ name: '@my/tasks', exports }), 'node_modules/@my/tasks/package.json')
    const { code, stdout, stderr } = await using('@my/tasks')
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '!Imported of node_modules/@my/tasks/index.mjs\n')
  })

  test('takes a part of an installed package', async () => {
    moduleOf('node_modules/parts/lib/some.mjs')
    const exports = { './some': { default: './lib/some.mjs' } }
    fileOf(JSON.stringify({ name: 'parts', exports }), 'node_modules/parts/package.json')
    const { stdout, stderr } = await using('parts/some')
    assert.equal(stdout, '!Imported of node_modules/parts/lib/some.mjs\n', stderr)
  })

  for (const module of ['./nowhere.mjs', 'no-such-package', '/nowhere/at/all.js'])
    test(`of a module that is missing is a mistake: ${module}`, async () => {
      const ended = await using(module)
      assertMistake(ended, /--import/)
      assert.ok(ended.stderr.includes(`"${module}"`))
    })

  test('of a module that needs another that is missing says which', async () => {
    const { code, stderr } = await using(fileOf("import './gone.mjs'\n", 'needing.mjs'))
    assert.notEqual(code, 0)
    assert.match(stderr, /gone\.mjs/)
  })

  test('of a module that throws is a crash, with its line', async () => {
    const { code, stdout, stderr } = await using(fileOf("throw new Error('broken')\n", 'throwing.mjs'))
    assert.equal(code, 1)
    assert.equal(stdout, '')
    assert.match(stderr, /broken/)
    assert.match(stderr, /^ +\S*throwing\.mjs:1:7$/m)
    assert.doesNotMatch(stderr, /node:internal|dist\//)
  })

  test('of a .ts file runs it', async () => {
    assert.equal((await using(moduleOf('typed.ts'))).stdout, '!Imported of typed.ts\n')
  })

  test('of JavaScript that Node does not know says how to find the place, and what of decorators', async () => {
    fileOf('@nothing class Decorated {}\n', 'decorated.mjs')
    const ended = await using(fileOf("import './decorated.mjs'\n", 'decorating.mjs'))
    assertMistake(ended, /cannot run "\S*decorating\.mjs", or a module .* decorators have to be compiled$/m)
  })

  test('of a mistake is found by check and tags, too', async () => {
    const ended = await flambeau('tags', '--import', './nowhere.mjs')
    assertMistake(ended, /nowhere\.mjs/)
    assertMistake(await flambeau('check', fileOf('a: 1'), '--import', './nowhere.mjs'), /nowhere\.mjs/)
  })
})

describe('flambeau check', () => {
  const check = (...args: string[]) => flambeau('check', ...args, '--import', './tasks.mjs')

  test('is content with a file that is right', async () => {
    const { code, stdout, stderr } = await check(fileOf('!Say { text: a }'))
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' })
    assert.match(stderr, /No problems/)
  })

  test('runs nothing of the file', async () => {
    const { code, stdout } = await check(fileOf('!Loud'))
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '' })
  })

  test('shows every problem of every file, and no stack', async () => {
    const right = fileOf('!Say {}')
    const one = fileOf('!Sya {}\n', 'check-one.yaml')
    const two = fileOf('a: !Flgas\nb: !Say.twcie {}\n', 'check-two.yaml')
    const { code, stdout, stderr } = await check(one, right, two)
    assert.equal(code, 22)
    assert.deepEqual(stdout.match(/check-\w+\.yaml:\d+:\d+/g), [
      'check-one.yaml:1:1',
      'check-two.yaml:1:4',
      'check-two.yaml:2:4',
    ])
    assert.match(stdout, /did you mean "!Say"\?/)
    assert.match(stdout, /did you mean "!Flags"\?/)
    assert.match(stdout, /did you mean "twice"\?/)
    assert.doesNotMatch(stdout + stderr, stackLine)
  })

  test('goes on behind a file that cannot be read', async () => {
    const { code, stdout, stderr } = await check('missing.yaml', fileOf('!Sya {}\n', 'check-three.yaml'))
    assert.equal(code, 22)
    assert.match(stderr, /"missing\.yaml"/)
    assert.match(stdout, /check-three\.yaml:1:1/)
    assert.doesNotMatch(stderr, stackLine)
  })

  test('fails when the only file cannot be read', async () => {
    const { code, stderr } = await check('missing.yaml')
    assert.equal(code, 22)
    assert.doesNotMatch(stderr, /No problems/)
  })

  test('--json prints problems with codes and places', async () => {
    const one = fileOf('!Say\ntext: !Sya {}\n', 'json-one.yaml')
    const two = fileOf('- "open\n', 'json-two.yaml')
    const { code, stdout } = await check(one, two, '--json')
    assert.equal(code, 22)
    const problems: Problem[] = JSON.parse(stdout)
    const [first] = problems
    assert.deepEqual(
      { ...first, frame: undefined, message: undefined },
      {
        code: 'UNKNOWN_TAG',
        file: 'json-one.yaml',
        line: 2,
        column: 7,
        endLine: 2,
        endColumn: 11,
        hint: '!Say',
        frame: undefined,
        message: undefined,
      },
    )
    assert.match(first?.message ?? '', /did you mean "!Say"\?/)
    assert.match(first?.frame ?? '', /\^\^\^\^/)
    assert.ok(problems.length > 1)
    for (const problem of problems.slice(1)) {
      assert.equal(problem.file, 'json-two.yaml')
      assert.match(problem.code, /^[A-Z_]+$/)
      assert.ok(problem.line >= 1 && problem.column >= 1)
    }
  })

  test('--json prints an empty list when all is right', async () => {
    const { code, stdout } = await check(fileOf('!Say { text: a }'), '--json')
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(stdout), [])
  })

  test('--format json is --json', async () => {
    const file = fileOf('!Sya {}\n')
    assert.equal((await check(file, '--format', 'json')).stdout, (await check(file, '--json')).stdout)
  })

  test('--format github prints a line for each problem, its file name escaped', async () => {
    const file = fileOf('!Sya {}\n', 'odd, name: 100%.yaml')
    const { code, stdout } = await check(file, '--format', 'github')
    assert.equal(code, 22)
    assert.equal(
      stdout,
      '::error file=odd%2C name%3A 100%25.yaml,line=1,col=1,endLine=1,endColumn=5,title=UNKNOWN_TAG' +
        '::Unknown tag "!Sya": did you mean "!Say"?\n',
    )
  })

  test('knows no other format', async () => {
    const { code, stderr } = await check(fileOf('a: 1'), '--format', 'xml')
    assert.equal(code, 1)
    assert.match(stderr, /xml/)
    assert.doesNotMatch(stderr, stackLine)
  })

  test('warns of a deprecated tag, which is no problem', async () => {
    const { code, stdout, stderr } = await check(fileOf('!Old {}\n', 'old.yaml'), '--json')
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(stdout), [])
    assert.match(stderr, /"!Old".*use !Say/)
    assert.match(stderr, /old\.yaml:1:1/)
  })

  test('--json tells of a file that cannot be read, too', async () => {
    const { code, stdout } = await check('missing.yaml', '--json')
    assert.equal(code, 22)
    const [problem]: Problem[] = JSON.parse(stdout)
    assert.equal(problem?.file, 'missing.yaml')
    assert.equal(problem?.code, 'NO_FILE')
  })
})

describe('flambeau tags', () => {
  test('lists tags with description and factories', async () => {
    const { code, stdout } = await flambeau('tags', '--import', './tasks.mjs')
    assert.equal(code, 0)
    assert.match(stdout, /^!Say +Says what it is told; factories: twice$/m)
    assert.match(stdout, /^!Flags$/m)
    const tags = stdout.match(/^!\w+/gm)
    assert.deepEqual(tags, tags?.toSorted())
  })

  test('lists what the package brings without an import', async () => {
    const { stdout } = await flambeau('tags')
    assert.match(stdout, /^!RemoteEnvironment\b/m)
    assert.doesNotMatch(stdout, /!Say/)
  })

  test('--json prints them as data', async () => {
    const { code, stdout } = await flambeau('tags', '--json', '--import', './tasks.mjs')
    assert.equal(code, 0)
    const tags: { tag: string; class: string; factories: string[]; description?: string }[] =
      JSON.parse(stdout)
    assert.deepEqual(
      tags.find(({ tag }) => tag === '!Say'),
      { tag: '!Say', class: 'Say', factories: ['twice'], description: 'Says what it is told' },
    )
  })
})

describe('standard output that cannot be written', {
  skip: !existsSync('/dev/full') && 'there is no /dev/full',
}, () => {
  const words = ['run', fileOf('!Say { text: hello }\n', 'output.yaml'), '--import', './tasks.mjs']
  const commands = [words, ['tags'], ['schema'], ['check', ...words.slice(1), '--json']]

  function inShell(args: readonly string[], to: string) {
    const line = `"$@" ${to}; echo "code \${PIPESTATUS[0]}" >&2`
    const command = ['-c', line, 'bash', process.execPath, cli, ...args]
    return spawnSync('bash', command, { cwd: folder, env: plainEnv, encoding: 'utf8', timeout: 30_000 })
      .stderr
  }

  for (const args of commands) {
    test(`"${args[0]}" on a full disk exits with 74`, () => {
      const said = inShell(args, '> /dev/full')
      assert.match(
        said,
        /The result could not be written to standard output: its disk is full \(ENOSPC\): free some space/,
      )
      assert.match(said, /code 74\n$/)
      assert.doesNotMatch(said, stackLine)
    })

    test(`"${args[0]}" into a pipe that is closed exits with 74`, () => {
      const said = inShell(args, '| exec true')
      assert.match(said, /code 74\n$/)
      assert.match(said, /it was closed by its reader/)
    })
  }

  test('a failure keeps its own exit code', () => {
    assert.match(inShell(['check', fileOf('!Nobody {}\n', 'nobody.yaml')], '> /dev/full'), /code 22\n$/)
  })
})

describe('colours', () => {
  const mistaken = () => ['run', fileOf('!Sya {}\n'), '--import', './tasks.mjs']

  test('there are none where standard error is no terminal', async () => {
    const { stderr } = await flambeau(...mistaken())
    assert.match(stderr, /Unknown tag/)
    assert.ok(!stderr.includes(escapeCharacter))
  })

  test('there are none in what check prints into a file', async () => {
    const { stdout } = await flambeau('check', ...mistaken().slice(1))
    assert.match(stdout, /Unknown tag/)
    assert.ok(!stdout.includes(escapeCharacter))
  })

  test('there are none with NO_COLOR', async () => {
    const { stderr } = await new Flambeau(mistaken(), { NO_COLOR: '1' }).ended
    assert.match(stderr, /Unknown tag/)
    assert.ok(!stderr.includes(escapeCharacter))
  })

  test('with FORCE_COLOR the words are the same', async () => {
    const { stderr } = await new Flambeau(mistaken(), { FORCE_COLOR: '1' }).ended
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes begin with one
    const words = stderr.replace(/\u001b\[[0-9;]*m/g, '')
    assert.match(words, /^Unknown tag "!Sya": did you mean "!Say"\?$/m)
  })

  // util-linux's `script` gives its command a terminal; that of BSD takes other arguments.
  const canTerminal = spawnSync('script', ['--version']).stdout?.includes('util-linux') ?? false

  function onTerminal(env: NodeJS.ProcessEnv, words: readonly string[] = mistaken(), to = ''): string {
    const log = join(folder, `terminal-${++files}`)
    const command = [process.execPath, cli, ...words].map((word) => `'${word}'`).join(' ') + to
    // Node takes a terminal of most CI services for one without colours.
    const { CI: _ci, ...anywhere } = plainEnv
    const options = { cwd: folder, env: { ...anywhere, TERM: 'xterm-256color', ...env }, timeout: 30_000 }
    const { status } = spawnSync('script', ['-qec', command, log], options)
    assert.equal(status, 22)
    return readFileSync(log, 'utf8')
  }

  test('there are some on a terminal', { skip: !canTerminal }, () => {
    const shown = onTerminal({})
    assert.match(shown, /Unknown tag/)
    assert.ok(shown.includes(`${escapeCharacter}[`))
  })

  test('there are some in what check prints on a terminal, wherever standard error goes', {
    skip: !canTerminal,
  }, () => {
    const shown = onTerminal({}, ['check', ...mistaken().slice(1)], ' 2>/dev/null')
    assert.match(shown, /Unknown tag/)
    assert.ok(shown.includes(`${escapeCharacter}[`))
  })

  test('there are none on a terminal with NO_COLOR', { skip: !canTerminal }, () => {
    const shown = onTerminal({ NO_COLOR: '1' })
    assert.match(shown, /Unknown tag/)
    assert.ok(!shown.includes(`${escapeCharacter}[`))
  })
})

describe('Ctrl-C', () => {
  const running = (text: string) => new Flambeau(['run', fileOf(text), '--import', './tasks.mjs'])

  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    test(`aborts the run, lets it clean up, and exits with 130: ${signal}`, async () => {
      const child = running('!Wait')
      await child.said('waiting')
      child.interrupt(signal)
      const { code, stdout, stderr } = await child.ended
      assert.equal(code, 130)
      assert.equal(stdout, '')
      assert.match(stderr, / info {2}cleaned up$/m)
      assert.doesNotMatch(stderr, stackLine)
    })

  test('a second one ends a run at once that takes no notice', async () => {
    const child = running('!Stubborn')
    await child.said('waiting')
    child.interrupt()
    await child.said('Interrupted')
    const before = performance.now()
    child.interrupt()
    const { code } = await child.ended
    assert.equal(code, 130)
    assert.ok(performance.now() - before < 60_000)
  })

  test('one alone does not end a run that takes no notice', async () => {
    const child = running('!Stubborn')
    await child.said('waiting')
    child.interrupt()
    await child.said('Interrupted')
    fileOf('', 'go-on')
    await child.said('going on')
    child.interrupt()
    await child.ended
  })

  test('exits with 130 although the run came to an end of its own', async () => {
    const child = running('!Polite')
    await child.said('waiting')
    child.interrupt()
    const { code, stdout, stderr } = await child.ended
    assert.equal(code, 130)
    assert.match(stderr, / info {2}ended early$/m)
    assert.equal(stdout, 'half of it\n')
  })
})
